// Letters: H heads, Q/K queries/keys, N distances.
import { fail } from './check.js'
import { checkBias } from './check-strategy.js'
import type { ParameterValues } from './parameters.js'
import { checkedPositions, pairDistances } from './positions.js'
import type { DistanceBias, LinearBias, Positions, ScoreBias } from './strategy.js'
import { checkOps, type TensorOps } from './tensor-ops.js'

/**
 * The bias of every (query, key) pair, whatever its kind: the generic path, and what specific kernels are checked
 * against. Call it tile by tile; a model never needs the whole matrix.
 *
 * @param parameters - the strategy's, by name, e.g. from `initialParameters`; `{}` where it declares none
 * @param queries - integers; [Q]
 * @param keys - integers; [K]
 * @returns shape [H, Q, K]
 * @throws TypeError or RangeError for what is no bias, positions that are no integers, a parameter that is missing, or a
 * hook whose result has another shape
 */
export function scoreBias<T>(
  ops: TensorOps<T>,
  bias: ScoreBias,
  parameters: ParameterValues<T>,
  queries: Positions,
  keys: Positions,
): T {
  checkOps('scoreBias', ops)
  checkBias('scoreBias', bias)
  const given = named(parameters)
  const [q, k] = [checkedPositions('scoreBias', 'queries', queries), checkedPositions('scoreBias', 'keys', keys)]
  const shape = [bias.numHeads, q.length, k.length]
  if (bias.kind === 'pair') return shaped('a pair bias', bias.evaluate(ops, given, q, k), shape)
  return ops.reshape(biasOfDistances(ops, bias, given, pairDistances(q, k)), shape)
}

/**
 * A linear or distance bias as a function of distances, in tokens.
 *
 * @returns shape [H, N]
 */
export function biasOfDistances<T>(
  ops: TensorOps<T>,
  bias: LinearBias | DistanceBias,
  parameters: ParameterValues<T>,
  distances: Float64Array | Int32Array,
): T {
  const [H, N] = [bias.numHeads, distances.length]
  if (bias.kind === 'linear') {
    const slopes = shaped('slopes', bias.slopes(ops, parameters), [H])
    const penalties = Float64Array.from(distances, (d) => (d > 0 ? -d : d))
    return ops.mul(ops.reshape(slopes, [H, 1]), ops.tensor(penalties, [1, N]))
  }
  const integers = distances instanceof Int32Array ? distances : Int32Array.from(distances)
  const beyond = integers.findIndex((d, i) => d !== distances[i])
  if (beyond >= 0) fail('scoreBias', 'distances within 32 bits', distances[beyond])
  return shaped('a distance bias', bias.evaluate(ops, parameters, integers), [H, N])
}

/** The tensor, if it has that shape or its library does not say. */
function shaped<T>(what: string, x: T, want: readonly number[]): T {
  const shape = shapeOf(x)
  if (!shape || `${shape}` === `${want}`) return x
  const transposed = `${shape.toReversed()}` === `${want}` ? '; heads come first: transpose it' : ''
  return fail('scoreBias', `${what} of shape [${want}]`, `[${shape}]${transposed}`)
}

/** A tensor's shape where it has one: core's and TensorFlow.js's do. */
export function shapeOf(x: unknown): readonly number[] | undefined {
  const shape: unknown = (x as { shape?: unknown } | null | undefined)?.shape
  return Array.isArray(shape) ? shape : undefined
}

/** Parameters that name the one which a hook misses. */
function named<T>(parameters: ParameterValues<T>): ParameterValues<T> {
  if (typeof parameters !== 'object' || parameters === null)
    fail('scoreBias', 'parameters by name', `${String(parameters)}; pass {} where the strategy has none`, TypeError)
  return new Proxy(parameters, {
    get(all, name: string) {
      const value = all[name]
      if (value === undefined && typeof name === 'string' && name !== 'toJSON')
        fail(
          'scoreBias',
          `the parameter ${name}`,
          'none; make them: initialParameters(ops, strategy.parameters)',
          TypeError,
        )
      return value
    },
  })
}
