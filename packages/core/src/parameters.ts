import { checkInteger, fail } from './check.js'
import { checkParameters, checkStrategy } from './check-strategy.js'
import type { ParameterSpec, ParameterValues } from './parameter-spec.js'
import { sizeOf } from './size-of.js'
import type { PositionStrategy } from './strategy.js'
import { checkOps, type TensorOps } from './tensor-ops.js'

export type { Initializer, ParameterSpec, ParameterValues } from './parameter-spec.js'

/**
 * Whether a strategy's parameter is one array for the model, or one for each layer.
 *
 * @throws RangeError for a parameter that the strategy does not declare
 */
export function scopeOf(strategy: PositionStrategy, name: string): 'model' | 'layer' {
  checkStrategy('scopeOf', strategy)
  const { parameters = {}, parameterScope = 'model' } = strategy
  const spec = parameters[name] ?? fail('scopeOf', `a parameter of ${Object.keys(parameters)}`, name)
  return spec.scope ?? parameterScope
}

/**
 * A small reproducible generator (mulberry32, public domain).
 *
 * @param seed - an integer; seeds that are equal modulo 2³² are the same
 * @returns a function that gives the next number, uniform in [0, 1)
 * @throws RangeError or TypeError for a seed that is no integer
 */
export function seededRandom(seed: number): () => number {
  checkInteger('seededRandom', 'seed', seed, Number.MIN_SAFE_INTEGER)
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
 * @throws RangeError or TypeError for a declaration that is none
 */
export function initialValues(spec: ParameterSpec, random: () => number): Float64Array {
  checkParameters('initialValues', { spec })
  if (typeof random !== 'function') fail('initialValues', 'a function random', random, TypeError)
  const { shape, init } = spec
  if (init.kind === 'values') return Float64Array.from(init.values)
  return Float64Array.from({ length: sizeOf(shape) }, () => {
    if (init.kind === 'constant') return init.value
    if (init.kind === 'uniform') return init.low + (init.high - init.low) * random()
    // Box–Muller; 1 − u keeps the logarithm finite
    return init.standardDeviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  })
}

/**
 * Allocates a strategy's parameters with `ops`, at their starting values; those of each layer once.
 *
 * @param specs - the strategy's `parameters`; `{}` where it has none
 * @param seed - of the random ones, an integer. Default 0
 * @throws RangeError or TypeError for a declaration that is none
 */
export function initialParameters<T>(
  ops: TensorOps<T>,
  specs: Readonly<Record<string, ParameterSpec>> = {},
  seed = 0,
): ParameterValues<T> {
  checkOps('initialParameters', ops)
  checkParameters('initialParameters', specs)
  const random = seededRandom(seed)
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, ops.tensor(initialValues(spec, random), spec.shape)]),
  )
}
