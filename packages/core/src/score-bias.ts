// Letters: H heads, Q/K queries/keys, N distances.
import type { ParameterValues } from './parameters.js'
import { pairDistances } from './positions.js'
import type { Positions, ScoreBias } from './strategy.js'
import type { TensorOps } from './tensor-ops.js'

/**
 * The bias of every (query, key) pair, whatever its kind: the generic path, and what specific kernels are checked
 * against. Call it tile by tile; a model never needs the whole matrix.
 *
 * @param parameters - the strategy's, by name; `{}` where it declares none
 * @param queries - [Q]
 * @param keys - [K]
 * @returns shape [H, Q, K]
 */
export function scoreBias<T>(
  ops: TensorOps<T>,
  bias: ScoreBias,
  parameters: ParameterValues<T>,
  queries: Positions,
  keys: Positions,
): T {
  if (bias.kind === 'pair') return bias.evaluate(ops, parameters, queries, keys)
  const distances = pairDistances(queries, keys)
  const [H, Q, K] = [bias.numHeads, queries.length, keys.length]
  if (bias.kind === 'linear') {
    const penalties = distances.map((d) => (d > 0 ? -d : d))
    return ops.mul(ops.reshape(bias.slopes(ops, parameters), [H, 1, 1]), ops.tensor(penalties, [1, Q, K]))
  }
  return ops.reshape(bias.evaluate(ops, parameters, distances), [H, Q, K])
}
