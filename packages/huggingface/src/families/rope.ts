import type { PositionStrategy, Rotation } from '@alibi/core'
import { rotary, rotaryOptions } from '@alibi/rotary'
import { type Fields, fieldsOf } from './fields.js'
import { fieldsOfScaling, readScaling, scalingNames, writeScaling } from './rope-scaling.js'

const OF_ALL = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor']

/** The names that base and share of rotated features have outside of `rope_parameters`, and what they are where they are not said. */
interface Spelling {
  readonly base?: 'rope_theta' | 'rotary_emb_base'
  readonly defaultBase?: number
  readonly share?: 'partial_rotary_factor' | 'rotary_pct'
  readonly defaultShare?: number
  /** Scalings that the family's class of transformers has. Default all that are read. */
  readonly scalings?: readonly string[]
  /** Other names of scalings in the family. */
  readonly aliases?: Readonly<Record<string, string>>
}

const SPELLINGS = {
  base: ['rope_theta', 'rotary_emb_base'],
  share: ['partial_rotary_factor', 'rotary_pct'],
} as const

/**
 * The rotation that a config.json describes, in the form of transformers 5 (`rope_parameters`) or before
 * (`rope_theta`, `rope_scaling`). Where both are there, `rope_scaling` counts, whole, as in transformers 5.18
 * (`convert_rope_params_to_dict`): people add it to a config.json to turn a scaling on.
 *
 * @param note - receives a line where the file has both and one does not count
 * @throws Error, one line, for a scaling that is unknown or depends on the length in another way than longrope
 */
export function readRope(
  fields: Fields,
  headDim: number,
  spelling: Spelling,
  note: (line: string) => void,
): PositionStrategy {
  const name = fields.inside('rope_scaling').names.length ? 'rope_scaling' : 'rope_parameters'
  if (name === 'rope_scaling' && fields.inside('rope_parameters').names.length)
    note('config.json has rope_scaling and rope_parameters: rope_scaling alone counts, as in transformers')
  const { base = 'rope_theta', share = 'partial_rotary_factor' } = spelling
  const rope = fields.inside(name)
  const theta = rope.positive('rope_theta', fields.positive(base, spelling.defaultBase ?? 10_000))
  const turning = rope.positive('partial_rotary_factor', fields.positive(share, spelling.defaultShare ?? 1))
  // The other families' names, which would not be read: they may only repeat what is.
  for (const other of SPELLINGS.base) if (other !== base) fields.only(other, theta)
  for (const other of SPELLINGS.share) if (other !== share) fields.only(other, turning)
  const refuseShare = (expected: string) =>
    rope.optional('partial_rotary_factor') === undefined ? fields.fail(share, expected) : fields.fail(name, expected)
  const { scalings, aliases } = spelling
  return rotaryOf(rope, fields, { headDim, base: theta, share: turning, scalings, aliases, refuseShare })
}

/** Those of families that have one for each type of layer. Not longrope: transformers 5.18 fails at the second long pass. */
export const scalingsByType = ['default', 'linear', 'yarn', 'llama3']

/** The two kinds of layers that config.json can name. */
export type LayerType = 'full_attention' | 'sliding_attention'

/**
 * The rotation of each kind of layer, for families whose `rope_parameters` have one for each. Before transformers 5,
 * `rope_scaling` was that of full attention.
 *
 * @param bases - of layers whose `rope_parameters` do not say it
 */
export function readRopeByType(
  fields: Fields,
  headDim: number,
  bases: Readonly<Record<LayerType, number>>,
): Record<LayerType, PositionStrategy> {
  const both = fields.inside('rope_parameters')
  for (const name of both.names) if (!Object.hasOwn(bases, name)) both.only(name)
  const scaling = fields.inside('rope_scaling')
  if (scaling.names.length && both.names.length)
    fields.fail('rope_scaling', 'no rope_scaling beside rope_parameters; put it into rope_parameters.full_attention,')
  const of = (type: LayerType) => {
    const rope = type === 'full_attention' && scaling.names.length ? scaling : both.inside(type)
    // transformers 5.18 takes the type from rope_type alone here.
    rope.only('type', rope.text('rope_type', 'default'))
    rope.only('partial_rotary_factor', 1)
    // transformers 5.18 looks for this one outside of the type, where it is not.
    rope.only('truncate', true)
    const base = rope.positive('rope_theta', bases[type])
    const refuseShare = (expected: string) => fields.fail('head_dim', expected)
    return rotaryOf(rope, fields, { headDim, base, share: 1, scalings: scalingsByType, refuseShare })
  }
  return { full_attention: of('full_attention'), sliding_attention: of('sliding_attention') }
}

interface Rotating {
  readonly headDim: number
  readonly base: number
  readonly share: number
  readonly scalings?: readonly string[] | undefined
  readonly aliases?: Readonly<Record<string, string>> | undefined
  refuseShare(expected: string): never
}

function rotaryOf(rope: Fields, fields: Fields, rotating: Rotating) {
  const { headDim, base, share, scalings = scalingNames, aliases = {}, refuseShare } = rotating
  for (const each of ['rope_type', 'type']) rope.only(each, ...scalings, ...Object.keys(aliases))
  const named = rope.text('rope_type', rope.text('type', 'default'))
  const type = aliases[named] ?? named
  for (const each of rope.names) if (![...OF_ALL, ...fieldsOfScaling(type)].includes(each)) rope.only(each)
  const turning = Math.floor(headDim * share)
  const rotaryDim = turning + (turning % 2)
  if (rotaryDim < 2 || rotaryDim > headDim || (rotaryDim > turning && ['yarn', 'longrope'].includes(type)))
    refuseShare(`a share of rotated features that leaves whole pairs of ${headDim} (got ${turning} features)`)
  const scaling = readScaling(type, rope, fields, rotaryDim / 2)
  // For an odd number of features transformers makes one pair more, with the exponents of the odd number.
  return rotary({ rotaryDim, base: base ** (rotaryDim / turning), ...(scaling && { scaling }) })
}

/** `rope_parameters` as they are written. */
export interface RopeParameters extends Readonly<Record<string, unknown>> {
  readonly rope_theta: number
  readonly partial_rotary_factor: number
}

/**
 * `rope_parameters` of a strategy that is plain rotary, or scaled in a way that transformers has.
 *
 * @throws Error, one line, if it is another
 */
export function writeRope({ name, rotation }: PositionStrategy, headDim: number, family: string): RopeParameters {
  const refuse = (got: string): never => {
    throw new Error(`saveHuggingFace: expected plain rotary with half pairing for ${family}, got ${got}`)
  }
  if (!rotation || rotation.numHeads !== undefined || rotation.trainedAngles) return refuse(name)
  if (rotation.pairing !== 'half') return refuse('interleaved pairing; its queries and keys lie in another order')
  const share = rotation.rotaryDim / headDim
  // Readers round headDim·share down.
  const enough = Math.floor(headDim * share) === rotation.rotaryDim ? share : share * (1 + Number.EPSILON)
  const { base, ...scaling } = parametersOf(rotation)
  const json = { ...scaling, rope_theta: base, partial_rotary_factor: enough }
  const read = rotaryOf(fieldsOf(json, 'saveHuggingFace'), fieldsOf({}, 'saveHuggingFace'), {
    headDim,
    base,
    share: enough,
    refuseShare: () => refuse(`${rotation.rotaryDim} features of ${headDim}`),
  })
  const longer = scaling.original_max_position_embeddings
  const lengths = typeof longer === 'number' ? [0, longer + 1] : [0]
  if (!lengths.every((length) => turnAlike(rotation, read.rotation, length)))
    return refuse(rotaryOptions(rotation) ? 'scaled frequencies' : name)
  return json
}

/** Its base and scaling as it was made; where transformers has no such scaling, the base of which its frequencies are. */
function parametersOf(rotation: Rotation): Record<string, unknown> & { readonly base: number } {
  const made = rotaryOptions(rotation)
  const scaling = made && writeScaling(made.scaling)
  if (scaling) return { ...scaling, base: made.base }
  const frequencies = rotation.angles(Int32Array.of(1))
  // One pair alone has frequency 1 whatever the base.
  const base = frequencies.length > 1 ? frequencies[1]! ** (-rotation.rotaryDim / 2) : 10_000
  return { rope_type: 'default', base: Number(base.toPrecision(12)) }
}

/** Whether two rotations turn and stretch alike in a pass of that length. */
function turnAlike(a: Rotation, b: Rotation, length: number): boolean {
  const at = Int32Array.of(1)
  const ones = new Float64Array(a.rotaryDim / 2).fill(1)
  const alike = (x: Float64Array, y: Float64Array) =>
    x.length === y.length && x.every((value, i) => Math.abs(value - y[i]!) <= 1e-6 * Math.abs(value))
  return (
    a.cacheable === b.cacheable &&
    alike(a.angles(at, length), b.angles(at, length)) &&
    (['query', 'key'] as const).every((side) =>
      alike(a.magnitudes?.(at, side, length) ?? ones, b.magnitudes?.(at, side, length) ?? ones),
    )
  )
}
