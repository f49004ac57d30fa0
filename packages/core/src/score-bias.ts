// Letters: H heads, Q/K queries/keys, N distances.
import type { ParameterValues } from './parameters.js'
import { pairDistances } from './positions.js'
import type { Positions, ScoreBias } from './strategy.js'
import type { TensorOps } from './tensor-ops.js'

/**
 * The bias of every (query, key) pair, whatever its kind: the generic path, and what specific kernels are checked
 * against. Call it tile by tile; a model never needs the whole matrix.
 *
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
    const penalties = Float64Array.from(distances, (d) => (d > 0 ? -d : d))
    return ops.mul(ops.reshape(bias.slopes(ops, parameters), [H, 1, 1]), ops.tensor(penalties, [1, Q, K]))
  }
  // Each distinct distance is evaluated once: Q + K − 1 of them for consecutive positions.
  const distinct = Int32Array.from(new Set(distances)).sort()
  const column = new Map(Array.from(distinct, (d, i) => [d, i]))
  const table = bias.evaluate(ops, parameters, distinct)
  return ops.reshape(
    ops.gather(
      table,
      distances.map((d) => column.get(d)!),
      1,
    ),
    [H, Q, K],
  )
}
