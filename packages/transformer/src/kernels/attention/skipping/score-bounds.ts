// Letters: B batch, H heads, Q/K queries/keys, D headDim; a tile is tileSize queries.
import * as tf from '@tensorflow/tfjs'

/** What bounds the scores q·k/√D of one tile, before any bias; a number a head. */
export interface ScoreBounds {
  /** No score is above it, nor below its negative. */
  readonly upper: readonly number[]
  /** No query's score with its own key is below it. */
  readonly own: readonly number[]
}

/**
 * Norms bound scores, |q·k| ≤ ‖q‖·‖k‖; own scores are computed. Reads a few numbers a tile and head from the device.
 *
 * @param q - shape [B, H, Q, D]; the last Q of the K tokens
 * @param k - shape [B, H, K, D]
 * @returns a bound for each block of `tileSize` queries
 */
export function scoreBounds(q: tf.Tensor4D, k: tf.Tensor4D, tileSize: number): ScoreBounds[] {
  const [B, H, numQueries, headDim] = q.shape
  const numKeys = k.shape[2]
  const onDevice = tf.tidy(() => {
    const largestNorms = (x: tf.Tensor) => tf.max(tf.sqrt(tf.sum(tf.square(x), 3)), 0)
    const ownKeys = tf.slice(k, [0, 0, numKeys - numQueries, 0], [B, H, numQueries, headDim])
    const products = tf.min(tf.sum(tf.mul(q, ownKeys), 3), 0)
    return [largestNorms(q), tf.max(largestNorms(k), 1), products]
  })
  // Read outside: tidy looks for tensors in every element of what it returns, also of typed arrays.
  const [queryNorms, keyNorms, products] = onDevice.map((x) => x.dataSync())
  tf.dispose(onDevice)

  const scale = 1 / Math.sqrt(headDim)
  return Array.from({ length: Math.ceil(numQueries / tileSize) }, (_, tile) => {
    const start = tile * tileSize
    const end = Math.min((tile + 1) * tileSize, numQueries)
    const heads = Array.from({ length: H }, (_, head) => {
      let norm = 0
      let least = Infinity
      for (let i = head * numQueries + start; i < head * numQueries + end; i++) {
        norm = Math.max(norm, queryNorms![i]!)
        least = Math.min(least, products![i]!)
      }
      // Norms and products are fp32 sums themselves: the bounds must stay beyond their rounding.
      const upper = 1.0001 * norm * keyNorms![head]! * scale
      return { upper, own: Math.max(-upper, least * scale - 1e-4 * upper) }
    })
    return { upper: heads.map(({ upper }) => upper), own: heads.map(({ own }) => own) }
  })
}
