// Letters: H heads, Q/K queries/keys, N distances; a tile is the queries [start, end) and the keys [0, numKeys).
import * as tf from '@tensorflow/tfjs'

/** A block of consecutive queries and the keys they may attend to. */
export interface Tile {
  /** Index of the first and past the last query in the block. */
  readonly start: number
  readonly end: number
  /** Keys up to the block's last query. */
  readonly numKeys: number
  /** Where they begin, under a window. Default 0. */
  readonly firstKey?: number
  /** Which block it is. */
  readonly index: number
}

/** A score bias in the form that attention consumes; the rungs of core's ladder, on the device. */
export type AttentionBias =
  | { readonly kind: 'none' }
  /** −slope·|query − key|. `slopes` [H]; positions [Q] and [K] as fp32, exact below 2²⁴; `consecutive`: of all K. */
  | {
      readonly kind: 'linear'
      readonly slopes: tf.Tensor
      readonly queries: tf.Tensor1D
      readonly keys: tf.Tensor1D
      readonly consecutive: boolean
    }
  /** One value a head and distance; `table` [H, K] for distances 0 to K − 1 of consecutive positions. */
  | { readonly kind: 'table'; readonly table: tf.Tensor }
  /** Any function of both positions: `tiles[i]` [H, queries, keys] of block i. */
  | { readonly kind: 'tiles'; readonly tiles: (tile: Tile) => tf.Tensor }

/** |query − key| as a row of negative numbers; [queries, keys]. */
export function penalties(queries: tf.Tensor1D, keys: tf.Tensor1D, { start, end, numKeys }: Tile): tf.Tensor2D {
  const q = tf.reshape(tf.slice(queries, start, end - start), [-1, 1])
  const k = tf.reshape(tf.slice(keys, 0, numKeys), [1, -1])
  return tf.neg(tf.abs(tf.sub(q, k))) as tf.Tensor2D
}

/**
 * Row i of the tile reads the table backwards from distance numKeys − queries + i: a Toeplitz matrix. Repeating the
 * reversed table and reading the copies with a stride one short makes it without a gather (whose gradient is slow).
 *
 * @param table - [H, K]
 * @returns [H, queries, keys]; 0 above the diagonal
 */
export function toeplitz(table: tf.Tensor, { start, end, numKeys }: Tile): tf.Tensor3D {
  const [H, rows] = [table.shape[0]!, end - start]
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
export function sumDiagonals(dTile: tf.Tensor3D, { start, end, numKeys }: Tile, length: number): tf.Tensor2D {
  const [H, rows] = [dTile.shape[0], end - start]
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
