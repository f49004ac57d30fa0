// Letters: d rotaryDim.
import type { PositionStrategy } from '@alibi/core'
import { linearScaling, llama3Scaling, type RotaryScaling, rotary, yarnScaling } from '@alibi/rotary'
import type { Fields } from './fields.js'

const OF_ALL = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor']

/** What each scaling may say; anything else would change the angles unseen. */
const KNOWN: ReadonlyMap<string, readonly string[]> = new Map([
  ['default', []],
  ['linear', ['factor']],
  [
    'yarn',
    [
      'factor',
      'original_max_position_embeddings',
      'beta_fast',
      'beta_slow',
      'attention_factor',
      'mscale',
      'mscale_all_dim',
      'truncate',
      'finetuned',
    ],
  ],
  ['llama3', ['factor', 'original_max_position_embeddings', 'low_freq_factor', 'high_freq_factor']],
])

/** The names that base and share of rotated features have outside of `rope_parameters`. */
interface Spelling {
  readonly base: string
  readonly share: string
  readonly defaultShare: number
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
 * @throws Error, one line, for a scaling that is unknown or depends on the length
 */
export function readRope(
  fields: Fields,
  headDim: number,
  spelling: Spelling,
  note: (line: string) => void,
): PositionStrategy {
  const name = fields.inside('rope_scaling').names.length ? 'rope_scaling' : 'rope_parameters'
  const rope = fields.inside(name)
  if (name === 'rope_scaling' && fields.inside('rope_parameters').names.length)
    note('config.json has rope_scaling and rope_parameters: rope_scaling alone counts, as in transformers')
  for (const each of ['rope_type', 'type']) rope.only(each, ...KNOWN.keys())
  const type = rope.text('rope_type', rope.text('type', 'default'))
  for (const each of rope.names) if (![...OF_ALL, ...KNOWN.get(type)!].includes(each)) rope.only(each)
  const base = rope.positive('rope_theta', fields.positive(spelling.base, 10_000))
  const share = rope.positive('partial_rotary_factor', fields.positive(spelling.share, spelling.defaultShare))
  // The other families' names, which would not be read: they may only repeat what is.
  for (const other of SPELLINGS.base) if (other !== spelling.base) fields.only(other, base)
  for (const other of SPELLINGS.share) if (other !== spelling.share) fields.only(other, share)
  const scaling = scalingOf(type, rope, fields)
  const turning = Math.floor(headDim * share)
  const rotaryDim = turning + (turning % 2)
  if (rotaryDim < 2 || rotaryDim > headDim || (rotaryDim > turning && type === 'yarn'))
    fields.fail(
      rope.optional('partial_rotary_factor') === undefined ? spelling.share : name,
      `a share of rotated features that leaves whole pairs of ${headDim} (got ${turning} features)`,
    )
  // For an odd number of features transformers makes one pair more, with the exponents of the odd number.
  return rotary({ rotaryDim, base: base ** (rotaryDim / turning), ...(scaling && { scaling }) })
}

function scalingOf(type: string, rope: Fields, fields: Fields): RotaryScaling | undefined {
  if (type === 'default') return undefined
  if (type === 'linear') return linearScaling({ factor: factorOf(rope) })
  const originalMaxPositions = rope.count(
    'original_max_position_embeddings',
    fields.count(['original_max_position_embeddings', 'max_position_embeddings']),
  )
  return type === 'yarn' ? yarnOf(rope, fields, originalMaxPositions) : llama3Of(rope, originalMaxPositions)
}

/** The factor of the whole scaling, ≥ 1. */
function factorOf(rope: Fields, fallback?: number): number {
  const factor = rope.number('factor', fallback)
  return factor >= 1 ? factor : rope.fail('factor', 'factor to be a number ≥ 1')
}

function yarnOf(rope: Fields, fields: Fields, originalMaxPositions: number): RotaryScaling {
  // A factor of null is the ratio of the two lengths; without the field, transformers fails.
  const implied = fields.optional('max_position_embeddings')
  const known = rope.names.includes('factor') && implied !== undefined
  const factor = factorOf(rope, known ? fields.count('max_position_embeddings') / originalMaxPositions : undefined)
  // transformers takes 0 as not given, and one of mscale and mscale_all_dim alone as neither.
  const given = (name: string, fallback?: number) => (rope.optional(name) ? rope.positive(name) : fallback)
  const betaFast = given('beta_fast', 32)!
  const betaSlow = given('beta_slow', 1)!
  if (betaFast <= betaSlow) rope.fail('beta_fast', `beta_fast to be above beta_slow, ${betaSlow},`)
  const mscale = given('mscale')
  const mscaleAllDim = given('mscale_all_dim')
  return yarnScaling({
    factor,
    originalMaxPositions,
    betaFast,
    betaSlow,
    truncate: rope.names.includes('truncate') ? rope.flag('truncate', false) : true,
    ...(rope.optional('attention_factor') !== undefined && { attentionFactor: rope.positive('attention_factor') }),
    ...(mscale && mscaleAllDim && { mscale, mscaleAllDim }),
  })
}

function llama3Of(rope: Fields, originalMaxPositions: number): RotaryScaling {
  const lowFrequencyFactor = rope.positive('low_freq_factor')
  const highFrequencyFactor = rope.positive('high_freq_factor')
  if (highFrequencyFactor <= lowFrequencyFactor)
    rope.fail('high_freq_factor', `high_freq_factor to be above low_freq_factor, ${lowFrequencyFactor},`)
  return llama3Scaling({ factor: factorOf(rope), originalMaxPositions, lowFrequencyFactor, highFrequencyFactor })
}

/**
 * `rope_parameters` of a strategy that is plain rotary.
 *
 * @throws Error, one line, if it is another
 */
export function writeRope({ name, rotation }: PositionStrategy, headDim: number, family: string) {
  const refuse = (got: string): never => {
    throw new Error(`saveHuggingFace: expected plain rotary with half pairing for ${family}, got ${got}`)
  }
  if (name !== 'rotary' || !rotation) return refuse(name)
  if (rotation.pairing !== 'half') return refuse('interleaved pairing; its queries and keys lie in another order')
  const { rotaryDim } = rotation
  const frequencies = Array.from(rotation.angles(Int32Array.of(1)))
  // One pair alone has frequency 1 whatever the base.
  const base = frequencies.length > 1 ? frequencies[1]! ** (-rotaryDim / 2) : 10_000
  const theta = Number(base.toPrecision(12))
  const plain = rotary({ rotaryDim, base: theta }).rotation.angles(Int32Array.of(1))
  if (rotation.magnitudes || frequencies.some((f, i) => Math.abs(f - plain[i]!) > 1e-6 * f))
    return refuse('scaled frequencies')
  const share = rotaryDim / headDim
  // Readers round headDim·share down.
  const enough = Math.floor(headDim * share) === rotaryDim ? share : share * (1 + Number.EPSILON)
  return { rope_type: 'default', rope_theta: theta, partial_rotary_factor: enough }
}
