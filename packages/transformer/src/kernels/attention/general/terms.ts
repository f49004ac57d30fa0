// Letters: B batch, H heads, N distances; a tile is `rows` queries and the keys [first, end), the last query at the last key
// where no key is ahead.
import * as tf from '@tensorflow/tfjs'

/** Which queries and keys meet. */
export interface TermsTile {
  /** Index of the first query, counted as keys are. */
  readonly firstQuery: number
  readonly firstKey: number
}

/**
 * q·a(distance) of every pair: a product with all distances that occur, each row of which is shifted by one more. No
 * [queries, keys, headDim] tensor is made (Transformer-XL's appendix B; Huang et al., 2018).
 *
 * @param q - [B, H, rows, headDim]
 * @param table - [H or 1, N, headDim], of the distances from `lowest` on
 * @returns [B, H, rows, numKeys]
 */
export function queryTerms(
  q: tf.Tensor4D,
  table: tf.Tensor3D,
  lowest: number,
  numKeys: number,
  { firstQuery, firstKey }: TermsTile,
): tf.Tensor4D {
  const [B, H, rows] = q.shape
  // Distances from that of the first query to the last key, downwards in the row that is shifted.
  const width = numKeys + rows
  const highest = firstQuery + rows - 1 - firstKey
  const vectors = rowsOf(
    table,
    Array.from({ length: width }, (_, i) => highest - i - lowest),
  )
  // Row i begins at the distance of its own query to the first key: rows − 1 − i further on.
  const byDistance = tf.reshape(products(q, vectors), [B, H, rows * width])
  const shifted = tf.slice(byDistance, [0, 0, rows - 1], [B, H, rows * (width - 1)])
  return tf.slice(tf.reshape(shifted, [B, H, rows, width - 1]) as tf.Tensor4D, [0, 0, 0, 0], [B, H, rows, numKeys])
}

/**
 * k·b(distance) of every pair: the same with keys in blocks of as many as there are queries, so that work grows with the
 * pairs.
 *
 * @param k - [B, H, numKeys, headDim]
 * @returns [B, H, rows, numKeys]
 */
export function keyTerms(
  k: tf.Tensor4D,
  table: tf.Tensor3D,
  lowest: number,
  rows: number,
  { firstQuery, firstKey }: TermsTile,
): tf.Tensor4D {
  const [B, H, numKeys, headDim] = k.shape
  const blocks = Math.ceil(numKeys / rows)
  const width = 2 * rows
  const padded = tf.pad(k, [
    [0, 0],
    [0, 0],
    [0, blocks * rows - numKeys],
    [0, 0],
  ])
  // Of block c, the distances from that of the first query to the block's last key, upwards.
  const distances = Array.from({ length: blocks * width }, (_, i) => {
    const [block, place] = [Math.floor(i / width), i % width]
    return firstQuery - firstKey - block * rows - (rows - 1) + place - lowest
  })
  const heads = table.shape[0]
  const windows = tf.reshape(rowsOf(table, distances), [heads, blocks, width, headDim])
  const each = heads === H ? windows : tf.tile(windows, [H, 1, 1, 1])
  const byBlock = tf.transpose(tf.reshape(padded, [B, H, blocks, rows, headDim]), [1, 2, 0, 3, 4])
  const product = tf.matMul(tf.reshape(byBlock, [H, blocks, B * rows, headDim]), each, false, true)
  // Key j of a block begins at the distance of its own: rows − 1 − j further on.
  const flat = tf.reshape(product, [H * blocks * B, rows * width])
  const shifted = tf.slice(flat, [0, rows - 1], [H * blocks * B, rows * (width - 1)])
  const square = tf.slice(tf.reshape(shifted, [H * blocks * B, rows, width - 1]), [0, 0, 0], [-1, rows, rows])
  const ordered = tf.transpose(tf.reshape(square, [H, blocks, B, rows, rows]), [2, 0, 4, 1, 3])
  return tf.slice(tf.reshape(ordered, [B, H, rows, blocks * rows]) as tf.Tensor4D, [0, 0, 0, 0], [B, H, rows, numKeys])
}

/** Rows of a table by index; beyond its ends the nearest, which masks hide. */
function rowsOf(table: tf.Tensor3D, indices: readonly number[]): tf.Tensor3D {
  const last = table.shape[1] - 1
  const within = Int32Array.from(indices, (index) => Math.min(last, Math.max(0, index)))
  return tf.gather(table, tf.tensor1d(within, 'int32'), 1)
}

/** q·vᵀ by head, or of all heads with the same vectors; [B, H, rows, N]. Products do not broadcast in their gradients. */
function products(q: tf.Tensor4D, vectors: tf.Tensor3D): tf.Tensor4D {
  const [B, H, rows, headDim] = q.shape
  const [heads, N] = vectors.shape
  if (heads !== H) {
    const all = tf.matMul(tf.reshape(q, [-1, headDim]) as tf.Tensor2D, tf.reshape(vectors, [N, headDim]), false, true)
    return tf.reshape(all, [B, H, rows, N]) as tf.Tensor4D
  }
  const byHead = tf.reshape(tf.transpose(q, [1, 0, 2, 3]), [H, B * rows, headDim])
  return tf.transpose(tf.reshape(tf.matMul(byHead, vectors, false, true), [H, B, rows, N]), [1, 0, 2, 3])
}
