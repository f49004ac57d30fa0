// Letters: B batch, H heads, Q/K queries/keys.
import { defineStrategy, type ParameterValues, type ScoreRows, type TensorOps } from '@alibi/core'

export interface StickBreakingOptions {
  readonly numHeads: number
  readonly headDim: number
}

/**
 * Stick-breaking attention (Tan et al., 2024): each key, from the query back, takes σ(score) of what the keys after it have left.
 * Nearer keys come first, so positions need no other encoding. Weights are exp of what is returned, and no softmax. Unlike the
 * authors', a query may attend to its own token.
 */
export function stickBreaking({ numHeads, headDim }: StickBreakingOptions) {
  /** ln σ(s_j) + Σ ln(1 − σ(s)) of the keys after j. @returns shape [B, H, Q, K] */
  function evaluate<T>(ops: TensorOps<T>, _parameters: ParameterValues<T>, { scores, visible }: ScoreRows<T>): T {
    const left = ops.mul(ops.logSigmoid(ops.neg(scores)), visible)
    const leftAfter = ops.sub(ops.sum(left, 3), ops.cumulativeSum(left, 3))
    return ops.add(ops.logSigmoid(scores), leftAfter)
  }
  return defineStrategy({ name: 'stick-breaking', scores: { numHeads, headDim, weights: 'exp', evaluate } })
}
