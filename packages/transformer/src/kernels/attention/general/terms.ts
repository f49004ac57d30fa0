// Letters: B batch, H heads, N distances. A tile is `rows` queries and the keys [first, end). In causal attention its
// last query is at its last key.
import * as tf from '@tensorflow/tfjs'

/** Where a tile's queries and keys begin. */
export interface TermsTile {
  /** The first query's index among all keys. */
  readonly firstQuery: number
  readonly firstKey: number
}

/**
 * q·a(distance) of every pair. Multiplies the queries with the vectors of all distances in the tile, then shifts each
 * row by one column more than the row before. This needs no [queries, keys, headDim] tensor (Transformer-XL's appendix
 * B; Huang et al., 2018).
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
  // The columns run downwards from the last query's distance to the first key, past the first query's to the last key.
  const width = numKeys + rows
  const highest = firstQuery + rows - 1 - firstKey
  const vectors = rowsOf(
    table,
    Array.from({ length: width }, (_, i) => highest - i - lowest),
  )
  // Row i starts at its query's distance to the first key, which is column rows − 1 − i.
  const byDistance = tf.reshape(products(q, vectors), [B, H, rows * width])
  const shifted = tf.slice(byDistance, [0, 0, rows - 1], [B, H, rows * (width - 1)])
  return tf.slice(tf.reshape(shifted, [B, H, rows, width - 1]) as tf.Tensor4D, [0, 0, 0, 0], [B, H, rows, numKeys])
}

/**
 * k·b(distance) of every pair. Works as `queryTerms`, but on blocks of `rows` keys, so that the work grows with the
 * number of pairs.
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
  // The columns of a block run upwards from the first query's distance to the block's last key.
  const distances = Array.from({ length: blocks * width }, (_, i) => {
    const [block, place] = [Math.floor(i / width), i % width]
    return firstQuery - firstKey - block * rows - (rows - 1) + place - lowest
  })
  const heads = table.shape[0]
  const windows = tf.reshape(rowsOf(table, distances), [heads, blocks, width, headDim])
  const each = heads === H ? windows : tf.tile(windows, [H, 1, 1, 1])
  const byBlock = tf.transpose(tf.reshape(padded, [B, H, blocks, rows, headDim]), [1, 2, 0, 3, 4])
  const product = tf.matMul(tf.reshape(byBlock, [H, blocks, B * rows, headDim]), each, false, true)
  // Key j of a block starts at the first query's distance to it, which is column rows − 1 − j.
  const flat = tf.reshape(product, [H * blocks * B, rows * width])
  const shifted = tf.slice(flat, [0, rows - 1], [H * blocks * B, rows * (width - 1)])
  const square = tf.slice(tf.reshape(shifted, [H * blocks * B, rows, width - 1]), [0, 0, 0], [-1, rows, rows])
  const ordered = tf.transpose(tf.reshape(square, [H, blocks, B, rows, rows]), [2, 0, 4, 1, 3])
  return tf.slice(tf.reshape(ordered, [B, H, rows, blocks * rows]) as tf.Tensor4D, [0, 0, 0, 0], [B, H, rows, numKeys])
}

/** Rows of a table by index. An index beyond its ends takes the nearest row; masks hide the result. */
function rowsOf(table: tf.Tensor3D, indices: readonly number[]): tf.Tensor3D {
  const last = table.shape[1] - 1
  const within = Int32Array.from(indices, (index) => Math.min(last, Math.max(0, index)))
  return tf.gather(table, tf.tensor1d(within, 'int32'), 1)
}

/** q·vᵀ with each head's vectors or with shared ones; [B, H, rows, N]. The gradient of matMul does not broadcast. */
export function products(q: tf.Tensor4D, vectors: tf.Tensor3D): tf.Tensor4D {
  const [B, H, rows, headDim] = q.shape
  const [heads, N] = vectors.shape
  if (heads !== H) {
    const all = tf.matMul(tf.reshape(q, [-1, headDim]) as tf.Tensor2D, tf.reshape(vectors, [N, headDim]), false, true)
    return tf.reshape(all, [B, H, rows, N]) as tf.Tensor4D
  }
  const byHead = tf.reshape(tf.transpose(q, [1, 0, 2, 3]), [H, B * rows, headDim])
  return tf.transpose(tf.reshape(tf.matMul(byHead, vectors, false, true), [H, B, rows, N]), [1, 0, 2, 3])
}
