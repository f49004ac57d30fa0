// Letters: B batch, H heads, K keys of a tile, N distances.
import * as tf from '@tensorflow/tfjs'
import type { PositionGaps, RelativeTensors } from '../kernel.js'
import { products } from './terms.js'

/** The queries and keys of a tile, and their indices among all keys. */
export interface GapsTile {
  /** [B, H, rows, headDim] */
  readonly queries: tf.Tensor4D
  /** [B, H, K, headDim] */
  readonly keys: tf.Tensor4D
  /** The index of the first query; the others follow. */
  readonly firstQuery: number
  /** The indices of the keys; [K]. */
  readonly indices: Int32Array
}

/**
 * q·a(distance) + k·b(distance) of every pair, whatever its positions. Multiplies each query, and each key, with the vectors
 * of all distances that occur; each pair then takes the product of its own distance, as core's `attentionScores` does.
 *
 * @returns [B, H, rows, K]
 */
export function termsWithGaps(terms: RelativeTensors, gaps: PositionGaps, tile: GapsTile): tf.Tensor4D {
  const { positions, distances } = gaps
  const places = new Map(Array.from(distances, (distance, place) => [distance, place]))
  if (positions.length === 1) return ofRows(terms, positions[0]!, places, tile)
  const row = (x: tf.Tensor4D, b: number) => tf.slice(x, [b, 0, 0, 0], [1, -1, -1, -1])
  return tf.concat(
    positions.map((own, b) =>
      ofRows(terms, own, places, { ...tile, queries: row(tile.queries, b), keys: row(tile.keys, b) }),
    ),
    0,
  )
}

/** The same for rows with the same positions. */
function ofRows(
  { queryTable, keyTable }: RelativeTensors,
  positions: Int32Array,
  places: ReadonlyMap<number, number>,
  { queries, keys, firstQuery, indices }: GapsTile,
): tf.Tensor4D {
  const [rows, K, N] = [queries.shape[2], indices.length, places.size]
  const pairs = Array.from({ length: rows * K }, (_, at) => {
    const [i, j] = [Math.floor(at / K), at % K]
    // Distances of pairs that a mask hides may be missing.
    return { i, j, place: places.get(positions[firstQuery + i]! - positions[indices[j]!]!) ?? 0 }
  })
  const picked = (x: tf.Tensor4D, table: tf.Tensor3D, chosen: readonly number[]) => {
    const [B, H, length] = x.shape
    const all = tf.reshape(products(x, table), [B * H, length * N])
    const own = tf.gather(all, tf.tensor1d(Int32Array.from(chosen), 'int32'), 1)
    return tf.reshape(own, [B, H, rows, K]) as tf.Tensor4D
  }
  const parts: tf.Tensor4D[] = []
  if (queryTable)
    parts.push(
      picked(
        queries,
        queryTable,
        pairs.map(({ i, place }) => i * N + place),
      ),
    )
  if (keyTable)
    parts.push(
      picked(
        keys,
        keyTable,
        pairs.map(({ j, place }) => j * N + place),
      ),
    )
  return parts.reduce((sum, part) => tf.add(sum, part))
}
