// Letters: H heads, N distances.
import { checkInteger, defineStrategy, type ParameterValues, type TensorOps } from '@alibi/core'

/** −slope·ln(1 + |distance|), with slopes 4, 2, 1, … for the heads: a fixed bias that falls ever more slowly. */
export function logBias({ numHeads }: { readonly numHeads: number }) {
  checkInteger('logBias', 'numHeads', numHeads, 1)
  const slopes = Array.from({ length: numHeads }, (_, head) => 4 / 2 ** head)

  /** @returns shape [H, N] */
  function evaluate<T>(ops: TensorOps<T>, _parameters: ParameterValues<T>, distances: Int32Array): T {
    const logs = Float64Array.from(distances, (distance) => Math.log1p(Math.abs(distance)))
    return ops.neg(ops.mul(ops.tensor(slopes, [numHeads, 1]), ops.tensor(logs, [1, distances.length])))
  }
  return defineStrategy({
    name: 'log-bias',
    bias: { kind: 'distance', numHeads, evaluate },
  })
}
