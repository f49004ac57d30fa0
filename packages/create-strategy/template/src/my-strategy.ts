// Letters: H heads, N distances.
import { checkInteger, checkOptions, defineStrategy, type ParameterValues, type TensorOps } from '@alibi/core'

export interface MyStrategyOptions {
  readonly numHeads: number
}

/** −slope·√|distance|, with slopes 1/2, 1/4, … for the heads. Put your formula here, with its paper and equation. */
export function myStrategy(options: MyStrategyOptions) {
  checkOptions('myStrategy', options, ['numHeads'])
  const { numHeads } = options
  checkInteger('myStrategy', 'numHeads', numHeads, 1)
  const slopes = Array.from({ length: numHeads }, (_, head) => 2 ** -(head + 1))

  /** @returns shape [H, N] */
  function evaluate<T>(ops: TensorOps<T>, _parameters: ParameterValues<T>, distances: Int32Array): T {
    const roots = Float64Array.from(distances, (distance) => Math.sqrt(Math.abs(distance)))
    return ops.neg(ops.mul(ops.tensor(slopes, [numHeads, 1]), ops.tensor(roots, [1, distances.length])))
  }
  return defineStrategy({ name: 'my-strategy', bias: { kind: 'distance', numHeads, evaluate } })
}
