// Letters: L tokens, Q/K queries/keys, H heads, D modelDim, N distances.
import type { ParameterSpec, ParameterValues } from './parameter-spec.js'
import type { TensorOps } from './tensor-ops.js'

/**
 * Absolute token positions, one integer a token. Decoding and tiles of a matrix are all "some query positions × some key
 * positions". So are packed documents, whose positions start again; that no document reads another is the mask's business,
 * which `@alibi/transformer` does not have yet.
 */
export type Positions = Int32Array

/**
 * How a model learns where its tokens are: immutable data and up to three optional pure hooks, one for each place
 * where a position can enter a transformer.
 *
 *     x ──(+ embedding)──► blocks:  q, k ──(rotation)──► q·kᵀ/√headDim ──(+ bias)──► softmax
 *
 * No hook at all is NoPE. Make one with a factory that validates its options and returns `defineStrategy({ … })`; hooks may
 * then assume valid input.
 */
export interface PositionStrategy {
  /** Version of this interface. */
  readonly specVersion: 1
  /** Written to checkpoints and tables, e.g. `alibi`. */
  readonly name: string
  /** Trainable arrays that the hooks read: declared here, allocated and trained by the model. */
  readonly parameters?: Readonly<Record<string, ParameterSpec>>
  /** One set of parameters for the model, or one for each layer; a parameter's own `scope` wins. Default `'model'`. */
  readonly parameterScope?: 'model' | 'layer'
  /** The hooks throw for positions at or beyond it (learned tables). Absent: unbounded. */
  readonly maxPositions?: number
  /** Added to the embeddings of tokens. Absent: nothing. */
  readonly embedding?: Embedding
  /** Turns queries and keys. Absent: they stay. */
  readonly rotation?: Rotation
  /** Added to scores. Absent: nothing. */
  readonly bias?: ScoreBias
}

/** A strategy that has a bias, e.g. `BiasStrategy<LinearBias>`: what the factory of one returns. */
export type BiasStrategy<Bias extends ScoreBias = ScoreBias> = PositionStrategy & { readonly bias: Bias }
/** A strategy that rotates queries and keys. */
export type RotationStrategy = PositionStrategy & { readonly rotation: Rotation }
/** A strategy that adds to the token embeddings. */
export type EmbeddingStrategy = PositionStrategy & { readonly embedding: Embedding }

/** Added to the token embeddings: sinusoidal, learned. */
export interface Embedding {
  /** D, the width of the rows. */
  readonly modelDim: number
  /** @returns the rows for `positions`; shape [L, D] */
  evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, positions: Positions): T
}

/** Applied to queries and keys: rotary, xPos. Computed on the host in float64; needs no tensor library. */
export interface Rotation {
  /** Leading features of a head that rotate; even, ≤ headDim. The rest pass through. */
  readonly rotaryDim: number
  /** Features that turn together: (2i, 2i+1) or (i, i + rotaryDim/2). */
  readonly pairing: 'interleaved' | 'half'
  /** Whether row p depends on p alone, so that rotated keys may be kept in a cache. */
  readonly cacheable: boolean
  /**
   * Whether products of rotated queries and keys depend on the distance alone. False for methods that mean them not to:
   * log-n scaled queries, axial positions, first tokens that are left as they are. Default true.
   */
  readonly relative?: boolean
  /** @returns radians; row-major [L, rotaryDim/2] */
  angles(positions: Positions): Float64Array
  /** Factors on the rotated pairs (xPos); row-major [L, rotaryDim/2]. Absent: 1. */
  magnitudes?(positions: Positions, side: 'query' | 'key'): Float64Array
}

/**
 * Added to the scores q·kᵀ/√headDim, after that scaling, in fp32; the mask is no part of it. The kinds are a ladder, from
 * most to least specific: a kernel uses the most specific form it knows.
 */
export type ScoreBias = LinearBias | DistanceBias | PairBias

/** −slope·|query − key|: ALiBi. A fused kernel needs nothing but the slopes. */
export interface LinearBias {
  /** The rung of the ladder. */
  readonly kind: 'linear'
  /** H, of the model. */
  readonly numHeads: number
  /** @returns one slope a head, ≥ 0; shape [H] */
  slopes<T>(ops: TensorOps<T>, parameters: ParameterValues<T>): T
}

/** A function of the distance alone: T5, KERPLE, symmetric or one-sided ALiBi. */
export interface DistanceBias {
  /** The rung of the ladder. */
  readonly kind: 'distance'
  /** H, of the model. */
  readonly numHeads: number
  /**
   * @param distances - query − key in tokens; positive looks back; [N]
   * @returns shape [H, N]
   */
  evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T
}

/** A function of both positions: FIRE. Evaluated tile by tile. */
export interface PairBias {
  /** The rung of the ladder. */
  readonly kind: 'pair'
  /** H, of the model. */
  readonly numHeads: number
  /** @returns shape [H, Q, K] */
  evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, queries: Positions, keys: Positions): T
}
