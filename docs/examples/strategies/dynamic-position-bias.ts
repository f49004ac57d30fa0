// Letters: H heads, N distances, W width.
import { checkInteger, defineStrategy, type ParameterSpec, type ParameterValues, type TensorOps } from '@alibi/core'

export interface DynamicPositionBiasOptions {
  readonly numHeads: number
  /** W, of the hidden layer. Default 16. */
  readonly width?: number
}

/** A small network makes each head's bias of the logarithm of the distance (Wang et al., CrossFormer, 2022; Swin V2). */
export function dynamicPositionBias({ numHeads, width = 16 }: DynamicPositionBiasOptions) {
  checkInteger('dynamicPositionBias', 'width', width, 1)
  const normal = (...shape: number[]): ParameterSpec => ({ shape, init: { kind: 'normal', standardDeviation: 0.2 } })

  /** @returns shape [H, N] */
  function evaluate<T>(ops: TensorOps<T>, { w1, b1, w2 }: ParameterValues<T>, distances: Int32Array): T {
    // The sign says on which side the key is.
    const logs = Float64Array.from(distances, (d) => Math.sign(d) * Math.log1p(Math.abs(d)))
    const hidden = ops.relu(ops.add(ops.matmul(w1!, ops.tensor(logs, [1, distances.length])), b1!))
    return ops.matmul(w2!, hidden)
  }
  return defineStrategy({
    name: 'dynamic-position-bias',
    parameters: { w1: normal(width, 1), b1: normal(width, 1), w2: normal(numHeads, width) },
    bias: { kind: 'distance', numHeads, evaluate },
  })
}
