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
 * Counts are fractions, so embeddings are interpolated between the two nearest positions. The weight of position n at a count
 * p is max(0, 1 − |p − n|): the same numbers and gradients as the authors' gather, and no index that depends on data. All
 * heads share the table. Gates and scores are those of q·k/√headDim, as in the authors' code without `--cope-nodiv`.
 *
 * It needs each row of scores with all its keys, and maxPosition + 1 numbers for each score on the way: a small
 * maxPosition is what makes it affordable.
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
    const [B, H, Q, K] = rows.shape
    const places = positionsOf(ops, rows, maxPosition)
    const scaled = ops.mul(ops.reshape(rows.q, [B * H * Q, headDim]), ops.tensor([1 / Math.sqrt(headDim)], [1]))
    const met = ops.matmul(scaled, ops.transpose(embeddings!, [1, 0]))
    const ofPlaces = ops.matmul(
      interpolation(ops, ops.reshape(places, [B * H * Q, K, 1]), P),
      ops.reshape(met, [B * H * Q, P, 1]),
    )
    return ops.add(rows.scores, ops.reshape(ofPlaces, [B, H, Q, K]))
  }
  return defineStrategy({
    name: 'cope',
    parameterScope: perLayer ? 'layer' : 'model',
    parameters: { embeddings: { shape: [P, headDim], init: { kind: 'constant', value: 0 } } },
    scores: { numHeads, headDim, evaluate },
  })
}

/** Sums of gates from each key to the query, at most `largest`; [B, H, Q, K]. */
function positionsOf<T>(ops: TensorOps<T>, { scores, visible }: ScoreRows<T>, largest: number): T {
  const gates = ops.mul(ops.sigmoid(scores), visible)
  const fromKey = ops.add(ops.sub(ops.sum(gates, 3), ops.cumulativeSum(gates, 3)), gates)
  const end = ops.tensor([largest], [1])
  return ops.sub(end, ops.relu(ops.sub(end, fromKey)))
}

/** max(0, 1 − |place − n|) of each n; [..., K, P]. */
function interpolation<T>(ops: TensorOps<T>, places: T, P: number): T {
  const numbers = ops.tensor(
    Float64Array.from({ length: P }, (_, n) => n),
    [1, 1, P],
  )
  return ops.relu(ops.sub(ops.tensor([1], [1]), ops.abs(ops.sub(places, numbers))))
}
