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

/** What is known of one strategy beyond the interface: numbers that only its paper can tell. */
export interface ConformanceOptions {
  /** The bias that the strategy must have at its starting parameters, by head and by distance ≥ 0. */
  readonly bias?: (head: number, distance: number) => number
  /** The embedding that it must have at its starting parameters. */
  readonly embedding?: (position: number, feature: number) => number
  /** The radians by which it must turn a pair of features, pairs from 0 to rotaryDim/2 − 1. */
  readonly angle?: (position: number, pair: number) => number
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
