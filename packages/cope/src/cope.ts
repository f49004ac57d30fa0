// Letters: B batch, H heads, Q/K queries/keys, P positions of the table.
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  defineStrategy,
  type ParameterValues,
  type PositionStrategy,
  type ScoreRewrite,
  type ScoreRows,
  type TensorOps,
} from '@alibi/core'

/** What {@link cope} takes. */
export interface CopeOptions {
  /** H, of the model. */
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  /** p_max, the largest position: what is counted beyond it stays there. Default 64. */
  readonly maxPosition?: number
  /** A table for each layer, as the authors have, or one for the model. Default true. */
  readonly perLayer?: boolean
}

/**
 * CoPE: a query counts the tokens that it likes, from each key up to itself, and that count is the key's position
 * (Golovneva, Wang, Weston, Sukhbaatar, 2024, eq. 3 to 6).
 *
 * Counts are fractions, so embeddings are interpolated between the two nearest positions. All heads share the table.
 * Gates and scores are those of q·k/√headDim, as in the authors' code without `--cope-nodiv`.
 *
 * It needs each row of scores with all its keys.
 *
 * @throws RangeError or TypeError for sizes below 1
 */
export function cope(options: CopeOptions): PositionStrategy & { readonly scores: ScoreRewrite } {
  checkOptions('cope', options, ['numHeads', 'headDim', 'maxPosition', 'perLayer'])
  const { numHeads, headDim, maxPosition = 64, perLayer = true } = options
  checkInteger('cope', 'numHeads', numHeads, 1)
  checkInteger('cope', 'headDim', headDim, 1)
  checkInteger('cope', 'maxPosition', maxPosition, 1)
  checkBoolean('cope', 'perLayer', perLayer)
  const P = maxPosition + 1

  function evaluate<T>(ops: TensorOps<T>, { embeddings }: ParameterValues<T>, rows: ScoreRows<T>): T {
    const [B, H, Q] = rows.shape
    const scaled = ops.mul(ops.reshape(rows.q, [B * H * Q, headDim]), ops.tensor([1 / Math.sqrt(headDim)], [1]))
    const met = ops.matmul(scaled, ops.transpose(embeddings!, [1, 0]))
    return ops.add(rows.scores, ops.interpolate(ops.reshape(met, [B, H, Q, P]), counts(ops, rows)))
  }
  return defineStrategy({
    name: 'cope',
    parameterScope: perLayer ? 'layer' : 'model',
    parameters: { embeddings: { shape: [P, headDim], init: { kind: 'constant', value: 0 } } },
    scores: { numHeads, headDim, evaluate },
  })
}

/** Sums of gates from each key to the query; [B, H, Q, K]. */
function counts<T>(ops: TensorOps<T>, { scores, visible }: ScoreRows<T>): T {
  const gates = ops.mul(ops.sigmoid(scores), visible)
  return ops.add(ops.sub(ops.sum(gates, 3), ops.cumulativeSum(gates, 3)), gates)
}
