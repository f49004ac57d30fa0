// Letters: H heads, Q/K queries/keys, N distances; a tile is the queries [start, end) and the keys [firstKey, numKeys).
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias, Tile } from '../bias.js'

/**
 * The bias of a tile, without the causal mask.
 *
 * @returns [queries, keys] or [H, queries, keys]; undefined for none
 */
export function unmaskedBias(bias: AttentionBias, tile: Tile): tf.Tensor | undefined {
  if (bias.kind === 'none') return undefined
  if (bias.kind === 'tiles') return bias.tiles(tile)
  if (bias.kind === 'table') return toeplitz(bias.table, tile)
  return tf.mul(tf.reshape(bias.slopes, [-1, 1, 1]), penalties(bias.queries, bias.keys, tile))
}

/** −|query − key|; [queries, keys]. */
export function penalties(queries: tf.Tensor1D, keys: tf.Tensor1D, tile: Tile): tf.Tensor2D {
  const { start, end, numKeys, firstKey = 0 } = tile
  const q = tf.reshape(tf.slice(queries, start, end - start), [-1, 1])
  const k = tf.reshape(tf.slice(keys, firstKey, numKeys - firstKey), [1, -1])
  // Subtracted as integers: beyond 2²⁴ float32 rounds neighbours to the same number.
  return tf.neg(tf.abs(tf.cast(tf.sub(q, k), 'float32'))) as tf.Tensor2D
}

/**
 * Row i of the tile reads the table backwards from distance keys − queries + i: a Toeplitz matrix. Repeating the
 * reversed table and reading the copies with a stride one short makes it without a gather (whose gradient is slow).
 *
 * @param table - [H, K]
 * @returns [H, queries, keys]; 0 above the diagonal
 */
function toeplitz(table: tf.Tensor, { start, end, firstKey = 0, ...tile }: Tile): tf.Tensor3D {
  const H = table.shape[0]!
  const rows = end - start
  const numKeys = tile.numKeys - firstKey
  const width = numKeys + rows
  const reversed = tf.reverse(tf.slice(table, [0, 0], [H, numKeys]), 1)
  const padded = tf.pad(reversed, [
    [0, 0],
    [0, rows],
  ])
  const copies = tf.tile(padded, [1, rows])
  const skewed = tf.slice(copies, [0, rows - 1], [H, rows * (width - 1)])
  return tf.slice(tf.reshape(skewed, [H, rows, width - 1]), [0, 0, 0], [H, rows, numKeys]) as tf.Tensor3D
}

/**
 * The transpose of {@link toeplitz}: sums a tile's gradient along its diagonals.
 *
 * @param dTile - [H, queries, keys]; 0 above the diagonal
 * @param length - K, the table's length
 * @returns [H, K]
 */
export function sumDiagonals(dTile: tf.Tensor3D, tile: Tile, length: number): tf.Tensor2D {
  const { start, end, firstKey = 0 } = tile
  const H = dTile.shape[0]
  const rows = end - start
  const numKeys = tile.numKeys - firstKey
  const width = numKeys + rows
  const wide = tf.pad(dTile, [
    [0, 0],
    [0, 0],
    [0, rows - 1],
  ])
  const flat = tf.pad(tf.reshape(wide, [H, rows * (width - 1)]), [
    [0, 0],
    [rows - 1, 1],
  ])
  const reversed = tf.slice(tf.sum(tf.reshape(flat, [H, rows, width]), 1), [0, 0], [H, numKeys])
  return tf.pad(tf.reverse(reversed, 1), [
    [0, 0],
    [0, length - numKeys],
  ]) as tf.Tensor2D
}
