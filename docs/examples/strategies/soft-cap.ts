// Letters: B batch, H heads, Q/K queries/keys.
import { checkPositive, defineStrategy, type ParameterValues, type ScoreRows, type TensorOps } from '@alibi/core'

export interface SoftCapOptions {
  readonly numHeads: number
  readonly headDim: number
  /** No score goes beyond ± this. Default 50, Gemma 2's. */
  readonly cap?: number
}

/** cap·tanh(score/cap), as in Gemma 2 (2024): any function of one score is a rewrite of this form. */
export function softCap({ numHeads, headDim, cap = 50 }: SoftCapOptions) {
  checkPositive('softCap', 'cap', cap)

  /** tanh x = 2σ(2x) − 1. @returns shape [B, H, Q, K] */
  function evaluate<T>(ops: TensorOps<T>, _parameters: ParameterValues<T>, { scores }: ScoreRows<T>): T {
    const number = (value: number) => ops.tensor([value], [1])
    return ops.sub(ops.mul(number(2 * cap), ops.sigmoid(ops.mul(number(2 / cap), scores))), number(cap))
  }
  return defineStrategy({ name: 'soft-cap', scores: { numHeads, headDim, evaluate } })
}
