// Letters: B batch, H heads, Q/K queries/keys.
import type { AttentionBias } from './bias.js'

/**
 * What a pass may ask of attention beyond softmax(q·kᵀ/√headDim)·v over the keys up to each query, in float32. A kernel names
 * those that it computes, and is given no pass that asks for another: also none of a feature that is added to this list later.
 */
export const attentionFeatures = Object.freeze([
  // The forms of AttentionBias.
  'linear bias',
  'table bias',
  'tile bias',
  // Gradients reach the bias: its slopes, table or tiles.
  'trained bias',
  // A linear bias, or relative terms, between positions that are not consecutive.
  'position gaps',
  // Keys that no query of a row may attend to.
  'padding',
  // Each query sees its last `window` keys only.
  'window',
  // With a window: each query also sees the first `sinks` keys of its document.
  'sinks',
  // Rows of several documents: no query sees another's keys.
  'documents',
  // Differences of running sums, read from the content.
  'gate',
  // Products of queries and keys with vectors of the distance.
  'relative terms',
  // Scores that a strategy makes of scores.
  'rewritten scores',
  // A logit without a value.
  'sink logit',
  // Queries see the keys ahead of them too.
  'all keys',
  // Drops attention weights in training.
  'dropout',
  // Keeps queries, keys and values as float16.
  'float16 storage',
] as const)

/** One of {@link attentionFeatures}. */
export type AttentionFeature = (typeof attentionFeatures)[number]

/** One pass's attention, without its tensors: all that the choice of a kernel may depend on. */
export interface AttentionProblem {
  /** TensorFlow.js's name of the backend, e.g. `'tensorflow'`. */
  readonly backend: string
  /** B */
  readonly batchSize: number
  /** H */
  readonly numHeads: number
  /** Q; the last of the K tokens, as in decoding from a cache. */
  readonly numQueries: number
  /** K */
  readonly numKeys: number
  /** Features of a head. */
  readonly headDim: number
  /** Everything that this pass asks for. */
  readonly asks: readonly AttentionFeature[]
  /** Whether gradients of the result are wanted. */
  readonly trains: boolean
  /** Whether the pass is made into a graph: no number may be read on the host. Default false. */
  readonly compiled?: boolean | undefined
  /** Keys that a query sees, its own included; with `'window'`. */
  readonly window?: number | undefined
  /** First keys of a document that all its queries see; with `'sinks'`. */
  readonly sinks?: number | undefined
  /**
   * The index of the first key of each query's document, the earliest over the batch's rows; [Q]; with `'documents'`.
   */
  readonly documentStarts?: Int32Array | undefined
  /** Queries that are taken at a time, where a kernel works in tiles: memory grows with queriesPerTile·K. */
  readonly queriesPerTile: number
  /** Share of each row's weight that may be left out where no gradients are wanted. */
  readonly skipTolerance: number
}

/** How queries, keys and values are kept: float16 is half the memory, and is for the fused kernel of webgpu. */
export type AttentionStorage = 'float32' | 'float16'

/** Default of `queriesPerTile`. */
export const QUERIES_PER_TILE = 128

/** What is known of a bias before it is on the device. */
export type BiasForm =
  | { readonly kind: 'linear'; readonly consecutive: boolean }
  | { readonly kind: 'none' | 'table' | 'tiles' }

/** What a problem's features follow from. */
interface Asked {
  readonly bias: BiasForm | AttentionBias
  readonly trainedBias: boolean
  readonly padding: boolean
  readonly window: boolean
  readonly dropout: boolean
  readonly storage: AttentionStorage | undefined
  /** Others, as they are. */
  readonly also?: readonly AttentionFeature[]
}

/** The features that a pass asks for. */
export function featuresOf(asked: Asked): AttentionFeature[] {
  const { bias, trainedBias, padding, window, dropout, storage, also = [] } = asked
  const asks: AttentionFeature[] = [...also]
  if (bias.kind === 'linear') asks.push('linear bias')
  if (bias.kind === 'table') asks.push('table bias')
  if (bias.kind === 'tiles') asks.push('tile bias')
  if (bias.kind === 'linear' && !bias.consecutive && !asks.includes('position gaps')) asks.push('position gaps')
  if (trainedBias && bias.kind !== 'none') asks.push('trained bias')
  if (padding) asks.push('padding')
  if (window) asks.push('window')
  if (dropout) asks.push('dropout')
  if (storage === 'float16') asks.push('float16 storage')
  return asks
}
