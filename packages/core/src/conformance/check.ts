import type { ParameterValues } from '../parameters.js'
import type { ReferenceTensor } from '../reference.js'
import type { PositionStrategy } from '../strategy.js'
import type { TensorOps } from '../tensor-ops.js'

/** A tensor library with gradients, for the check that every parameter is trained. */
export interface Differentiable<T> {
  /** Its operations. */
  readonly ops: TensorOps<T>
  /** @returns d(sum of squares of all values(parameters))/d(parameter), row-major, by name */
  gradients(
    values: (parameters: ParameterValues<T>) => readonly T[],
    parameters: ParameterValues<ReferenceTensor>,
  ): ParameterValues<ArrayLike<number>> | Promise<ParameterValues<ArrayLike<number>>>
}

/** A strategy's parameters in plain numbers, row-major, by name. */
export type PlainParameters = Readonly<Record<string, Float64Array>>

/** What is known of one strategy beyond the interface: numbers that only its paper can tell. */
export interface ConformanceOptions {
  /** The bias that the strategy must have, by head and positions; asked for key ≤ query alone. */
  readonly bias?: (head: number, query: number, key: number, parameters: PlainParameters) => number
  /** The embedding that it must have. */
  readonly embedding?: (position: number, feature: number, parameters: PlainParameters) => number
  /** The radians by which it must turn a pair of features, pairs from 0 to rotaryDim/2 − 1; of a head where they differ. Needs `pairing`. */
  readonly angle?: (position: number, pair: number, head: number) => number
  /** Which features make a pair: (i, i + rotaryDim/2) or (2i, 2i + 1). Weights of one do not fit the other. */
  readonly pairing?: 'half' | 'interleaved'
  /** The factor on a rotated pair of features (xPos, YaRN). */
  readonly magnitude?: (position: number, pair: number, side: 'query' | 'key') => number
  /** The logarithm that its gate must make of a token's features `x`, of modelDim. */
  readonly gate?: (head: number, x: Float64Array, parameters: PlainParameters) => number
  /** The products that its terms must add to q·k, of one query and key of headDim, which are `distance` tokens apart. */
  readonly terms?: (
    head: number,
    distance: number,
    vectors: { readonly q: Float64Array; readonly k: Float64Array },
    parameters: PlainParameters,
  ) => number
  /**
   * The scores that it must return for one query, given `scores` [K], q and keys [K]. The keys go up to the query's
   * own, which is the last.
   */
  readonly scores?: (
    head: number,
    row: { readonly scores: Float64Array; readonly q: Float64Array; readonly keys: readonly Float64Array[] },
    parameters: PlainParameters,
  ) => readonly number[]
  /** A library with gradients: then every declared parameter must receive one. Absent: that is not checked. */
  // biome-ignore lint/suspicious/noExplicitAny: any tensor type; it meets only its own functions
  readonly differentiable?: Differentiable<any>
}

/** A case before it is bound to a strategy. */
export interface Check {
  readonly name: string
  applies(strategy: PositionStrategy, options: ConformanceOptions): boolean
  run(strategy: PositionStrategy, options: ConformanceOptions): void | Promise<void>
}
