// Letters: N rows, K numbers of a row.
import * as tf from '@tensorflow/tfjs'

const BLOCK = 64

/**
 * The running sums of each row, by products with a triangle of ones: of blocks of 64 numbers, then of the blocks' totals alike.
 * A cumulative sum as compilers make it takes K² additions, or K that wait for each other, and its gradient again.
 *
 * @param x - shape [N, K]; finite, as an infinity makes its whole block NaN
 * @returns shape [N, K]: x₀, x₀ + x₁, …
 */
export function runningSums(x: tf.Tensor2D): tf.Tensor2D {
  const [N, K] = x.shape
  if (K <= BLOCK) return tf.matMul(x, triangle(K))
  const blocks = Math.ceil(K / BLOCK)
  const padded = tf.pad(x, [
    [0, 0],
    [0, blocks * BLOCK - K],
  ])
  const within = tf.matMul<tf.Tensor2D>(tf.reshape(padded, [N * blocks, BLOCK]), triangle(BLOCK))
  const totals = tf.reshape<tf.Rank.R2>(tf.slice(within, [0, BLOCK - 1], [-1, 1]), [N, blocks])
  const before = tf.sub(runningSums(totals), totals)
  const sums = tf.add(tf.reshape(within, [N, blocks, BLOCK]), tf.reshape(before, [N, blocks, 1]))
  return tf.slice(tf.reshape<tf.Rank.R2>(sums, [N, blocks * BLOCK]), [0, 0], [N, K])
}

/** 1 where row ≤ column; [size, size]. */
function triangle(size: number): tf.Tensor2D {
  const at = tf.range(0, size)
  return tf.cast(tf.lessEqual(tf.reshape(at, [size, 1]), tf.reshape(at, [1, size])), 'float32') as tf.Tensor2D
}
