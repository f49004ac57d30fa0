// Letters: H heads, Q/K queries/keys; a tile is the queries [start, end) and the keys [firstKey, numKeys).
import type * as tf from '@tensorflow/tfjs'

/** A block of consecutive queries and the keys they may attend to. */
export interface Tile {
  /** Index of the first and past the last query in the block. */
  readonly start: number
  /** Index past the last query in the block. */
  readonly end: number
  /** Keys up to the block's last query. */
  readonly numKeys: number
  /** Where they begin; those before have no weight. Default 0. */
  readonly firstKey?: number
  /** Which block it is. */
  readonly index: number
}

/** A score bias in the form that attention consumes; the rungs of core's ladder, on the device. */
export type AttentionBias =
  | { readonly kind: 'none' }
  /** −slope·|query − key|. `slopes` [H]; positions [Q] and [K], int32, so that their differences are exact; `consecutive`: of all K. */
  | {
      readonly kind: 'linear'
      readonly slopes: tf.Tensor
      readonly queries: tf.Tensor1D
      readonly keys: tf.Tensor1D
      readonly consecutive: boolean
    }
  /** One value a head and distance; `table` [H, K] for distances 0 to K − 1 of consecutive positions. */
  | { readonly kind: 'table'; readonly table: tf.Tensor }
  /** Any function of both positions: `tiles(tile)` is [H, queries, keys], or [B, H, queries, keys] with `byRow`. */
  | { readonly kind: 'tiles'; readonly tiles: (tile: Tile) => tf.Tensor; readonly byRow?: boolean }
