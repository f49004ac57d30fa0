import { initialParameters, type ParameterValues } from '../parameters.js'
import { positionRange } from '../positions.js'
import { type ReferenceTensor, reference } from '../reference.js'
import { scoreBias } from '../score-bias.js'
import type { PositionStrategy } from '../strategy.js'
import type { TensorOps } from '../tensor-ops.js'

/** A tensor library with gradients, for the check that every parameter is trained. */
export interface Differentiable<T> {
  readonly ops: TensorOps<T>
  /** @returns d(sum of squares of value(parameters))/d(parameter), row-major, by name */
  gradients(
    value: (parameters: ParameterValues<T>) => T,
    parameters: ParameterValues<ReferenceTensor>,
  ): ParameterValues<ArrayLike<number>>
}

export interface ConformanceOptions {
  /** The bias that the strategy must have at its starting parameters, by head and by distance ≥ 0. */
  readonly bias?: (head: number, distance: number) => number
  // biome-ignore lint/suspicious/noExplicitAny: any tensor type; it meets only its own functions
  readonly differentiable?: Differentiable<any>
}

/** A case before it is bound to a strategy. */
export interface Check {
  readonly name: string
  applies(strategy: PositionStrategy, options: ConformanceOptions): boolean
  run(strategy: PositionStrategy, options: ConformanceOptions): void | Promise<void>
}

export function fail(expected: string, got: string): never {
  throw new Error(`conformance: expected ${expected}, got ${got}`)
}

/** Parameters with different values everywhere: many start as zeros, which hide mistakes. */
export function variedParameters({ parameters = {} }: PositionStrategy): ParameterValues<ReferenceTensor> {
  const varied = Object.entries(parameters).map(([name, { shape }]) => {
    const init = { kind: 'uniform' as const, low: 0.5, high: 1.5 }
    return [name, { shape, init }] as const
  })
  return initialParameters(reference, Object.fromEntries(varied), 7)
}

/** Sums of float64 rounding errors over long positions stay far below this. */
const TOLERANCE = 1e-9

/** @param what - that these are, for the message */
export function expectEqual(what: string, got: ReferenceTensor, want: ReferenceTensor): void {
  if (`${got.shape}` !== `${want.shape}`) fail(`${what} of shape [${want.shape}]`, `[${got.shape}]`)
  want.data.forEach((value, i) => {
    if (!(Math.abs(got.data[i]! - value) <= TOLERANCE * (1 + Math.abs(value))))
      fail(`${what}: ${value} at flat index ${i}`, `${got.data[i]}`)
  })
}

export function expectFinite(what: string, { data }: ReferenceTensor): void {
  const at = data.findIndex((value) => !Number.isFinite(value))
  if (at >= 0) fail(`finite ${what}`, `${data[at]} at flat index ${at}`)
}

/** Positions that a strategy must know: near ones, and far ones as far as it goes. */
export function knownPositions({ maxPositions = 2 ** 14 }: PositionStrategy): Int32Array {
  const powers = Array.from({ length: 15 }, (_, i) => 2 ** i)
  const wanted = [...positionRange(0, 24), ...powers, maxPositions - 1].filter((p) => p < maxPositions)
  return Int32Array.from(new Set(wanted)).sort()
}

/** Every hook that computes tensors, at `positions`, in one flat row. */
export function evaluateHooks<T>(
  strategy: PositionStrategy,
  ops: TensorOps<T>,
  parameters: ParameterValues<T>,
  positions: Int32Array,
): T[] {
  const { embedding, bias } = strategy
  return [
    ...(embedding ? [embedding.evaluate(ops, parameters, positions)] : []),
    ...(bias ? [scoreBias(ops, bias, parameters, positions, positions)] : []),
  ]
}
