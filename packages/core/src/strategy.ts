// Letters: B batch, L tokens, Q/K queries/keys, H heads, D modelDim, N distances or rows.
import type { ParameterSpec, ParameterValues } from './parameter-spec.js'
import type { TensorOps } from './tensor-ops.js'

/**
 * Absolute token positions, one integer a token. Decoding and tiles of a matrix are all "some query positions × some key
 * positions". So are packed documents, whose positions start again; that no document reads another is the pass's business,
 * which knows them.
 */
export type Positions = Int32Array

/**
 * How a model learns where its tokens are: immutable data and optional pure hooks, one for each place where a position
 * can enter a transformer.
 *
 *     x ──(+ embedding)──► blocks:  q, k ──(rotation)──► q·kᵀ/√headDim ──(+ bias, gate, terms)──► scores ──► softmax
 *                                                                                        visibility, sink ──┘
 *
 * No hook at all is NoPE. The hooks are a ladder: embedding, rotation and bias read positions alone; gate and terms read the
 * content too, at the cost of a bias; `scores` may do anything to a row of scores, and costs most. Take the lowest that
 * says what the paper says. Make a strategy with a factory that validates its options and returns `defineStrategy({ … })`;
 * hooks may then assume valid input.
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
  /** How much each token lets pass of what came before it, read from its content. Absent: all. */
  readonly gate?: Gate
  /** Products of queries and keys with vectors of the distance, added to scores. Absent: nothing. */
  readonly terms?: RelativeTerms
  /** Makes other scores of a row of scores. Absent: they stay. */
  readonly scores?: ScoreRewrite
  /** Which keys a query sees. Absent: itself and all before it. */
  readonly visibility?: Visibility
  /** A logit without a value in every softmax. Absent: none. */
  readonly sink?: SinkLogit
  /** A strategy for each layer: layer i has number i mod n of these n, for all hooks but the embedding; see `byLayer`. */
  readonly layers?: readonly PositionStrategy[]
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
  /** H, where heads turn by angles of their own: angles and magnitudes are then [H, L, rotaryDim/2]. Absent: all as one. */
  readonly numHeads?: number
  /**
   * @param length - of the pass: its last position + 1. Who reads it (dynamic NTK, LongRoPE) says `cacheable: false`
   * @returns radians; row-major [L, rotaryDim/2]
   */
  angles(positions: Positions, length?: number): Float64Array
  /** Factors on the rotated pairs (xPos); row-major [L, rotaryDim/2]. Absent: 1. */
  magnitudes?(positions: Positions, side: 'query' | 'key', length?: number): Float64Array
  /**
   * The angles as a function of the parameters, where they are trained; `angles` are then those of the starting values.
   *
   * @returns shape [1, L, rotaryDim/2], or [H, L, rotaryDim/2] with `numHeads`
   */
  trainedAngles?<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, positions: Positions): T
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

/**
 * A forget gate (FoX; Lin et al., 2025, eq. 5) or data-dependent ALiBi: a score gains the sum of the gates of the tokens
 * after the key, up to the query's own. As that is a difference of two running sums, no kernel needs an [L, L] tensor.
 */
export interface Gate {
  /** H, of the model. */
  readonly numHeads: number
  /** D, of the model. */
  readonly modelDim: number
  /**
   * @param x - what the layer's queries and keys are made from; [N, D], each token by itself
   * @returns ln of the share that each token lets pass, ≤ 0; shape [N, H]
   */
  evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, x: T): T
}

/**
 * q·a(distance), k·b(distance) and k·u, added to q·k before the division by √headDim: Shaw, Transformer-XL, DeBERTa. A kernel
 * computes the first two as [Q, N] products and shifts the rows.
 */
export interface RelativeTerms {
  /** H, of the model. */
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  /** A factor on q·k and all that is added to it here: DeBERTa's is √⅓. Default 1. */
  readonly scale?: number
  /** @returns a, met by queries; shape [H, N, headDim], or [1, N, headDim] where all heads share it */
  queryVectors?<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T
  /** @returns b, met by keys; shape [H, N, headDim] or [1, N, headDim] */
  keyVectors?<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T
  /** @returns u, met by keys at every distance, as if added to the queries; shape [H, headDim] */
  queryBias?<T>(ops: TensorOps<T>, parameters: ParameterValues<T>): T
}

/** Some rows of scores with all their keys: what {@link ScoreRewrite} reads. */
export interface ScoreRows<T> {
  /** q·kᵀ/√headDim with bias, gate and terms; [B, H, Q, K]. Of keys that are not visible they mean nothing. */
  readonly scores: T
  /** Queries after rotation; [B, H, Q, headDim]. */
  readonly q: T
  /** Keys after rotation; [B, H, K, headDim]. */
  readonly k: T
  /** 1 where a query sees the key, else 0; broadcasts to [B, H, Q, K]. */
  readonly visible: T
  /** [Q] */
  readonly queries: Positions
  /** [K] */
  readonly keys: Positions
  /** Of `scores`. */
  readonly shape: readonly [B: number, H: number, Q: number, K: number]
}

/** Rows of scores in, rows of scores out: CoPE, stick-breaking, soft caps. The most general rung, and the dearest. */
export interface ScoreRewrite {
  /** H, of the model. */
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  /** What makes weights of the scores: softmax, or exp where they are logarithms of weights already. Default softmax. */
  readonly weights?: 'softmax' | 'exp'
  /** @returns the new scores, finite also where a key is not visible; shape [B, H, Q, K] */
  evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, rows: ScoreRows<T>): T
}

/** The keys that a query sees, counted in tokens of its document: data, so that kernels skip the others. */
export interface Visibility {
  /** How many, itself the first and then those before it. Absent: all. */
  readonly window?: number
  /** The first tokens that every query goes on to see (attention sinks; Xiao et al., 2024). Default 0. */
  readonly sinks?: number
}

/** exp(logit) joins the sum that a softmax divides by: gpt-oss; a constant 0 is the off-by-one softmax (Miller, 2023). */
export interface SinkLogit {
  /** H, of the model. */
  readonly numHeads: number
  /** @returns one a head; shape [H] */
  evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>): T
}
