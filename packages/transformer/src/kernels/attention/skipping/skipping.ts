// Letters: B batch, H heads, Q/K queries/keys, D headDim; a tile is tileSize queries.
import * as tf from '@tensorflow/tfjs'
import type { KeyRange } from './key-ranges.js'

/** With scores within ±40, exp and sums of thousands of them stay within fp32: no row needs its maximum taken off. */
export const LARGEST_SCORE = 40

/**
 * Causal attention with the bias −slope·distance, forward only, that never computes keys of weight zero.
 *
 * Scores that are bounded need no maximum taken off; and as exp(s − slope·d) is exp(s)·exp(−slope·d), the bias of the keys
 * before a tile scales the rows of v instead of touching the scores. What is left of each score is one product, one
 * exponential and one product.
 *
 * @param q - shape [B, H, Q, D]; the last Q of the K tokens, at consecutive positions
 * @param k - shape [B, H, K, D]
 * @param v - shape [B, H, K, D]
 * @param ranges - which keys count, of tiles of `tileSize` queries; no score may be above {@link LARGEST_SCORE}
 * @returns shape [B, H, Q, D], and how many scores were computed
 */
export function skippingAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  slopes: ArrayLike<number>,
  ranges: readonly KeyRange[],
  tileSize: number,
): { readonly output: tf.Tensor4D; readonly scores: number } {
  const [B, H, numQueries, headDim] = q.shape
  const numKeys = k.shape[2]
  let scores = 0
  const output = tf.tidy(() => {
    // Steep heads reach least: in their order, heads that need the same keys are neighbours and go together.
    const order = Array.from({ length: H }, (_, head) => head).sort((a, b) => slopes[b]! - slopes[a]!)
    const inOrder = (x: tf.Tensor, heads: number[]) => tf.gather(x, tf.tensor1d(heads, 'int32'), 1)
    const queries = inOrder(tf.mul(q, 1 / Math.sqrt(headDim)), order)
    const keys = inOrder(k, order)
    // A column of ones: with it a product also sums the weights.
    const values = inOrder(tf.concat([v, tf.ones([B, H, numKeys, 1])], 3), order)
    const steepness = tf.tensor(
      order.map((head) => slopes[head]!),
      [1, H, 1, 1],
    )
    const ownBias = diagonal(tileSize, steepness)
    const decay = tf.exp(tf.mul(steepness, tf.range(-numKeys, 0).reshape([1, 1, numKeys, 1])))

    const tiles = ranges.map(({ start, end, first }) =>
      tf.tidy(() => {
        const size = end - start
        const groups = neighbours(order.map((head) => Math.floor(first[head]! / tileSize) * tileSize))
        const parts = groups.map(({ from, head, count }) => {
          scores += B * count * size * (end - from)
          const cut = (x: tf.Tensor, low: number, high: number) =>
            tf.slice(x, [0, head, low, 0], [x.shape[0]!, count, high - low, x.shape[3]!])
          const rows = cut(queries, start - (numKeys - numQueries), end - (numKeys - numQueries))
          const against = (low: number, high: number) => tf.matMul(rows, cut(keys, low, high), false, true)
          const slope = tf.slice(steepness, [0, head, 0, 0], [1, count, 1, 1])
          const bias = tf.slice(ownBias, [0, head, 0, 0], [1, count, size, size])
          const own = tf.matMul(tf.exp(tf.add(against(start, end), bias)), cut(values, start, end))
          if (from === start) return own
          const weighted = tf.mul(cut(values, from, start), cut(decay, numKeys - (start - from), numKeys))
          const past = tf.matMul(tf.exp(against(from, start)), weighted)
          return tf.add(own, tf.mul(past, tf.exp(tf.mul(slope, tf.range(0, -size, -1).reshape([1, 1, size, 1])))))
        })
        const sum = parts.length === 1 ? parts[0]! : tf.concat(parts, 1)
        return tf.div(
          tf.slice(sum, [0, 0, 0, 0], [B, H, size, headDim]),
          tf.slice(sum, [0, 0, 0, headDim], [B, H, size, 1]),
        )
      }),
    )
    const joined = tiles.length === 1 ? tiles[0]! : tf.concat(tiles, 2)
    return inOrder(
      joined,
      order.map((_, head) => order.indexOf(head)),
    ) as tf.Tensor4D
  })
  return { output, scores }
}

/** Runs of heads whose keys begin at the same place. */
function neighbours(starts: readonly number[]) {
  const groups: { from: number; head: number; count: number }[] = []
  starts.forEach((from, head) => {
    const last = groups.at(-1)
    if (last?.from === from) last.count++
    else groups.push({ from, head, count: 1 })
  })
  return groups
}

/** Bias and causal mask within a tile; [1, heads, size, size]. */
function diagonal(size: number, slope: tf.Tensor): tf.Tensor {
  const distance = tf.sub(tf.reshape(tf.range(0, size), [size, 1]), tf.reshape(tf.range(0, size), [1, size]))
  return tf.sub(tf.mul(tf.neg(slope), distance), tf.mul(tf.relu(tf.neg(distance)), 1e9))
}
