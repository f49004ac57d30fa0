import type { PositionStrategy } from '@alibi/core'
import type { ModelConfig, ResolvedModelConfig } from '@alibi/transformer'
import type { Fields } from './fields.js'

/** A kind of model that transformers knows: how its config.json and the names and layouts of its arrays map to ours. */
export interface Family {
  /** `model_type` in config.json. */
  readonly name: string
  /** The class that transformers loads it with. */
  readonly className: string
  /** What the names of the body's arrays begin with; files of the body alone leave it out. */
  readonly prefix: string
  /** The array of token embeddings. */
  readonly embedding: string
  /** The array of the head, by its names: any of them, the first is written. */
  readonly heads: readonly [string, ...string[]]
  /** What tells its models from ours, in the usual variant. */
  readonly architecture: Partial<ModelConfig>
  /** Choices of {@link architecture} or our defaults that other variants make otherwise: any value, or these besides. */
  readonly free: readonly (keyof ModelConfig)[]
  readonly also?: Partial<{ readonly [Name in keyof ModelConfig]: readonly ModelConfig[Name][] }>
  /** Kinds of positions that its models have. */
  readonly positions: readonly FamilyPositions[]
  /** `rope_type` of the scalings that are read, of a family with rotary positions. Default all that any family has. */
  readonly scalings?: readonly string[]
  /** Fields that {@link read} reads and no other family does; see `foreign.ts`. */
  readonly reads?: readonly string[]
  /** Fields that are refused but for these values, null and none; `a.b` is b of the object a. See {@link readFamily}. */
  readonly only?: Readonly<Record<string, readonly unknown[]>>
  /**
   * Call {@link readFamily}, which checks `only` first.
   *
   * @param note - receives what a reader of numbers should know, one line each
   * @throws Error, one line, for a variant that is not supported
   */
  read(fields: Fields, note: (line: string) => void): FamilyModel
  /**
   * The reverse, for a model with the family's {@link architecture} but for what is free.
   *
   * @returns what config.json needs beyond `model_type`
   * @throws Error, one line, for a model that the family cannot express
   */
  write(model: FamilyModel & { readonly config: ResolvedModelConfig }): Record<string, unknown>
  /** The arrays of the model that {@link read} returned or {@link write} was given. */
  arrays(config: ResolvedModelConfig, fields: Fields): ArrayMapping[]
}

/** A kind of positions, in the words of `bench models`. */
export type FamilyPositions = 'ALiBi' | 'rotary' | 'a learned table'

interface FamilyModel {
  readonly config: ModelConfig
  readonly strategy: PositionStrategy
  /** Tokens of the sequences that it was trained on, where config.json says so. */
  readonly trainLength: number | undefined
}

/** One of our arrays and where it is in theirs: ours = factor·(theirs + plus). */
export interface ArrayMapping {
  readonly ours: string
  /** Stacked along their first axis; none: zeros, which their model leaves out. */
  readonly theirs: readonly string[]
  readonly layout: Layout
  /** The rows of theirs that are ours: those from `from` on, of `of` in all. Default all. */
  readonly rows?: { readonly from: number; readonly of: number }
  /** Default 0. */
  readonly plus?: number
  /** Default 1. */
  readonly factor?: number
}

/**
 * How their array lies: as ours, [in, out]; `transposed`, [out, in]; or that group by group, the queries of the heads that
 * share keys and values with those keys and values, [numKeyValueHeads·(numHeads/numKeyValueHeads + 2)·headDim, in]. Biases
 * have no second axis to transpose.
 */
export type Layout = 'same' | 'transposed' | 'transposed, by group'

/**
 * What config.json says of a model of the family.
 *
 * @throws Error, one line, for a variant that is not supported
 */
export function readFamily(family: Family, fields: Fields, note: (line: string) => void): FamilyModel {
  for (const name of Object.keys(family.only ?? {})) checkOnly(family, fields, name)
  return family.read(fields, note)
}

/** @throws Error, one line, where the field of that name in `only` has another value */
export function checkOnly({ only = {} }: Family, fields: Fields, name: string): void {
  const path = name.split('.')
  const inner = path.slice(0, -1).reduce((outer, each) => outer.inside(each), fields)
  inner.only(path.at(-1)!, ...only[name]!)
}

/** Weight and bias of a projection; `theirs` without `.weight`, several if they are stacked. */
export function projection(
  ours: string,
  theirs: string | readonly string[],
  layout: Layout,
  biases: { readonly ours: boolean; readonly theirs: boolean },
): ArrayMapping[] {
  const names = typeof theirs === 'string' ? [theirs] : theirs
  const part = (kind: string) => names.map((name) => `${name}.${kind}`)
  const bias = { ours: `${ours}.bias`, theirs: biases.theirs ? part('bias') : [], layout }
  return [{ ours: `${ours}.weight`, theirs: part('weight'), layout }, ...(biases.ours ? [bias] : [])]
}

/** Scale and, if it has one, shift of a norm; `how` is what the scale is besides their weight. */
export const norm = (
  ours: string,
  theirs: string,
  shift: boolean,
  how: Pick<ArrayMapping, 'plus' | 'factor'> = {},
): ArrayMapping[] => [
  { ours: `${ours}.scale`, theirs: [`${theirs}.weight`], layout: 'same', ...how },
  ...(shift ? [{ ours: `${ours}.shift`, theirs: [`${theirs}.bias`], layout: 'same' as const }] : []),
]

/** The token embedding, and the head where it is not the same array. */
export const ends = (
  { tiedHead }: ResolvedModelConfig,
  { embedding, heads }: Pick<Family, 'embedding' | 'heads'>,
): ArrayMapping[] => [
  { ours: 'embedding.weight', theirs: [embedding], layout: 'same' },
  ...(tiedHead ? [] : [{ ours: 'head.weight', theirs: [heads[0]], layout: 'transposed' as const }]),
]

/**
 * Heads of attention, which divide the width.
 *
 * @throws Error, one line, where they do not
 */
export function headsOf(fields: Fields, names: readonly [string, ...string[]], modelDim: number): number {
  const numHeads = fields.size(names)
  if (modelDim % numHeads) {
    const name = names.find((each) => fields.optional(each) !== undefined)!
    fields.fail(name, `${name} to divide the width, ${modelDim},`)
  }
  return numHeads
}

/** Which projections have biases in our model. */
export const biasesOf = ({ projectionBias }: ResolvedModelConfig) => ({
  qkv: projectionBias !== false,
  out: projectionBias === true || projectionBias === 'attention',
  mlp: projectionBias === true,
})

/** The mappings of every layer. */
export const layers = ({ numLayers }: ModelConfig, of: (layer: number) => ArrayMapping[][]): ArrayMapping[] =>
  Array.from({ length: numLayers }, (_, layer) => of(layer)).flat(2)
