import { sizeOf } from './size-of.js'
import type { TensorOps } from './tensor-ops.js'

/** A trainable array that a strategy declares and the model owns. Plain data: it survives JSON. */
export interface ParameterSpec {
  /** Sizes of its axes. */
  readonly shape: readonly number[]
  /** How it starts. */
  readonly init: Initializer
}

/** Starting values: one number; normal around 0; uniform in [low, high); or each value, row-major. */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly standardDeviation: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'values'; readonly values: readonly number[] }

/** Tensors by the names that a strategy declares. */
export type ParameterValues<T> = Readonly<Record<string, T>>

/**
 * A small reproducible generator (mulberry32, public domain).
 *
 * @returns a function that gives the next number, uniform in [0, 1)
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/**
 * The starting values that `spec` asks for; row-major.
 *
 * @param random - uniform in [0, 1)
 */
export function initialValues({ shape, init }: ParameterSpec, random: () => number): Float64Array {
  if (init.kind === 'values') return Float64Array.from(init.values)
  return Float64Array.from({ length: sizeOf(shape) }, () => {
    if (init.kind === 'constant') return init.value
    if (init.kind === 'uniform') return init.low + (init.high - init.low) * random()
    // Box–Muller; 1 − u keeps the logarithm finite
    return init.standardDeviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  })
}

/** Allocates a strategy's parameters with `ops`, at their starting values. */
export function initialParameters<T>(
  ops: TensorOps<T>,
  specs: Readonly<Record<string, ParameterSpec>> = {},
  seed = 0,
): ParameterValues<T> {
  const random = seededRandom(seed)
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, ops.tensor(initialValues(spec, random), spec.shape)]),
  )
}
