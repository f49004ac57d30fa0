// Letters: B batch, L tokens, Q/K queries/keys, H heads, D modelDim, N distances or rows.
import type { ParameterSpec, ParameterValues } from './parameter-spec.js'
import type { TensorOps } from './tensor-ops.js'

/**
 * Absolute token positions, one integer a token. A decoding step and a tile of a matrix are both "some query positions
 * × some key positions". So are packed documents, whose positions start again; the pass makes sure that no document
 * reads another.
 */
export type Positions = Int32Array

/**
 * How a model learns where its tokens are: immutable data and optional pure hooks, one for each place where a position
 * can enter a transformer.
 *
 *     x ──(+ embedding)──► blocks:  q, k ──(rotation)──► q·kᵀ/√headDim ──(+ bias, gate, terms)──► scores ──► softmax
 *                                                                                        visibility, sink ──┘
 *
 * A strategy without hooks is NoPE. The hooks are a ladder: embedding, rotation and bias read positions alone; gate and
 * terms also read the content, at the cost of a bias; `scores` may do anything to a row of scores, and costs most. Use
 * the lowest rung that can express the paper's formula. Make a strategy with a factory that validates its options and
 * returns `defineStrategy({ … })`; hooks may then assume valid input.
 */
export interface PositionStrategy {
  /** Version of this interface. */
  readonly specVersion: 1
  /** Written to checkpoints and tables, e.g. `alibi`. */
  readonly name: string
  /** Trainable arrays that the hooks read: declared here, allocated and trained by the model. */
  readonly parameters?: Readonly<Record<string, ParameterSpec>>
  /**
   * One set of parameters for the model, or one for each layer. A parameter's own `scope` overrides it. Default
   * `'model'`.
   */
  readonly parameterScope?: 'model' | 'layer'
  /** The hooks throw for positions at or beyond it (learned tables). Absent: unbounded. */
  readonly maxPositions?: number
  /** Added to the embeddings of tokens. Absent: nothing. */
  readonly embedding?: Embedding
  /** Turns queries and keys. Absent: they stay as they are. */
  readonly rotation?: Rotation
  /** Added to scores. Absent: nothing. */
  readonly bias?: ScoreBias
  /** How much of the past each token lets pass, computed from its content. Absent: all of it. */
  readonly gate?: Gate
  /** Adds products of queries and keys with vectors of the distance to the scores. Absent: nothing. */
  readonly terms?: RelativeTerms
  /** Replaces a row of scores by new ones. Absent: they stay as they are. */
  readonly scores?: ScoreRewrite
  /** Which keys a query sees. Absent: its own and all before it. */
  readonly visibility?: Visibility
  /** A logit without a value in every softmax. Absent: none. */
  readonly sink?: SinkLogit
  /** One strategy a layer: layer i uses number i mod n of these n, for all hooks but the embedding; see `byLayer`. */
  readonly layers?: readonly PositionStrategy[]
}

/** A strategy that has a bias, e.g. `BiasStrategy<LinearBias>`: the return type of its factory. */
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
   * Whether products of rotated queries and keys depend on the distance alone. Methods that break this on purpose say
   * false: log-n scaled queries, axial positions, first tokens that do not rotate. Default true.
   */
  readonly relative?: boolean
  /**
   * H, if each head turns by its own angles: angles and magnitudes are then [H, L, rotaryDim/2]. Absent: all heads
   * alike.
   */
  readonly numHeads?: number
  /**
   * @param length - of the pass: its last position + 1. A rotation that reads it (dynamic NTK, LongRoPE) must have
   * `cacheable: false`
   * @returns radians; row-major [L, rotaryDim/2]
   */
  angles(positions: Positions, length?: number): Float64Array
  /** Factors on the rotated pairs (xPos); row-major [L, rotaryDim/2]. Absent: 1. */
  magnitudes?(positions: Positions, side: 'query' | 'key', length?: number): Float64Array
  /**
   * The angles as a function of trained parameters. `angles` then returns those of the parameters' starting values.
   *
   * @returns shape [1, L, rotaryDim/2], or [H, L, rotaryDim/2] with `numHeads`
   */
  trainedAngles?<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, positions: Positions): T
}

/**
 * Added to the scores q·kᵀ/√headDim, after that scaling, in fp32. It does not include the mask. The kinds are a ladder,
 * from most to least specific: a kernel uses the most specific form it knows.
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
 * A forget gate (FoX; Lin et al., 2025, eq. 5) or data-dependent ALiBi. To each score the model adds the gates of the
 * tokens after the key, up to and with the query's. This sum is a difference of two running sums, so no kernel needs an
 * [L, L] tensor.
 */
export interface Gate {
  /** H, of the model. */
  readonly numHeads: number
  /** D, of the model. */
  readonly modelDim: number
  /**
   * @param x - the vectors from which the layer projects queries and keys; [N, D]. A token's gate depends on its own
   * row alone
   * @returns ln of the share that each token lets pass, ≤ 0; shape [N, H]
   */
  evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, x: T): T
}

/**
 * q·a(distance), k·b(distance) and k·u, added to q·k before the division by √headDim: Shaw, Transformer-XL, DeBERTa. A kernel
 * computes the first two for every distance, as [Q, N] products, and shifts the rows into place.
 */
export interface RelativeTerms {
  /** H, of the model. */
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  /** A factor on q·k and all that is added to it here: DeBERTa's is √⅓. Default 1. */
  readonly scale?: number
  /** @returns a, which queries multiply; shape [H, N, headDim], or [1, N, headDim] if all heads share it */
  queryVectors?<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T
  /** @returns b, which keys multiply; shape [H, N, headDim] or [1, N, headDim] */
  keyVectors?<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T
  /** @returns u, which keys multiply at every distance, as if u were added to the queries; shape [H, headDim] */
  queryBias?<T>(ops: TensorOps<T>, parameters: ParameterValues<T>): T
}

/** Some rows of scores with all their keys: the input of a {@link ScoreRewrite}. */
export interface ScoreRows<T> {
  /** q·kᵀ/√headDim with bias, gate and terms; [B, H, Q, K]. Scores of keys that are not visible have no meaning. */
  readonly scores: T
  /** Queries after rotation; [B, H, Q, headDim]. */
  readonly q: T
  /** Keys after rotation; [B, H, K, headDim]. */
  readonly k: T
  /** 1 where a query sees the key, else 0; broadcasts to [B, H, Q, K]. */
  readonly visible: T
  /** The queries' positions; [Q]. */
  readonly queries: Positions
  /** The keys' positions; [K]. */
  readonly keys: Positions
  /** The shape of `scores`. */
  readonly shape: readonly [B: number, H: number, Q: number, K: number]
}

/**
 * Rows of scores in, rows of scores out: CoPE, stick-breaking, soft caps. The most general rung, and the most
 * expensive.
 */
export interface ScoreRewrite {
  /** H, of the model. */
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  /**
   * How scores become weights: by softmax, or by exp if the scores are logarithms of weights already. Default softmax.
   */
  readonly weights?: 'softmax' | 'exp'
  /** @returns the new scores, also finite for keys that are not visible; shape [B, H, Q, K] */
  evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, rows: ScoreRows<T>): T
}

/**
 * The keys that a query sees, counted in tokens of its document. This is data, so that kernels can skip the other keys.
 */
export interface Visibility {
  /** How many keys, counted backwards from the query's own. */
  readonly window: number
  /** How many first tokens every query sees beyond its window (attention sinks; Xiao et al., 2024). Default 0. */
  readonly sinks?: number
}

/**
 * Adds exp(logit) to the sum that a softmax divides by: gpt-oss. A constant 0 is the off-by-one softmax (Miller, 2023).
 */
export interface SinkLogit {
  /** H, of the model. */
  readonly numHeads: number
  /** @returns one logit a head; shape [H] */
  evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>): T
}
