// Letters: B batch, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import type { Tile } from '../bias.js'
import type { AttentionInputs } from '../kernel.js'
import type { AttentionProblem } from '../problem.js'

/**
 * The keys that some query of a tile may see, ascending: those in a window, and the first ones where they are sinks. What is
 * left out is never computed.
 */
export function keysOf(problem: AttentionProblem, tile: Tile): Int32Array {
  const { asks, numQueries, numKeys, window = Infinity, sinks = 0, documentStarts } = problem
  const end = asks.includes('all keys') ? numKeys : tile.numKeys
  const first = documentStarts?.[tile.start] ?? 0
  const inWindow = Math.max(first, numKeys - numQueries + tile.start - window + 1)
  // Sinks of several documents lie anywhere from the first document on; vectors of distances need a stretch without gaps.
  const whole = sinks > 0 && (documentStarts !== undefined || asks.includes('relative terms'))
  const from = asks.includes('all keys') || whole ? first : inWindow
  const early = documentStarts ? 0 : Math.min(sinks, from)
  return Int32Array.from({ length: early + end - from }, (_, i) => (i < early ? i : from + i - early))
}

/** 1 where a query of the tile sees a key, else 0; [B or 1, 1, queries, keys]. Made on the device. */
export function visibleTile(
  problem: AttentionProblem,
  { padding, documents }: Pick<AttentionInputs, 'padding' | 'documents'>,
  tile: Tile,
  keys: Int32Array,
): tf.Tensor4D {
  const { asks, numQueries, numKeys, window, sinks = 0 } = problem
  const past = numKeys - numQueries
  const rows = tile.end - tile.start
  const query = tf.reshape(tf.range(past + tile.start, past + tile.end), [1, 1, rows, 1])
  const key = tf.reshape(tf.tensor1d(Float32Array.from(keys)), [1, 1, 1, -1])
  const ahead = asks.includes('all keys')
  const start = documents ? tf.slice(documents, [0, 0, tile.start, 0], [-1, 1, rows, 1]) : undefined
  let visible = ahead ? tf.onesLike(tf.add(query, key)) : isAtLeast(query, key)
  if (start) visible = tf.mul(visible, isAtLeast(key, start))
  // A key ahead is of the same document if that begins at the same place; no cache holds keys without queries then.
  if (start && ahead) visible = tf.mul(visible, isAtLeast(start, tf.reshape(documents!, [-1, 1, 1, numKeys])))
  if (window !== undefined) {
    const behind = isAtLeast(tf.add(key, window - 1), query)
    const near = ahead ? tf.mul(behind, isAtLeast(tf.add(query, window - 1), key)) : behind
    const early = sinks ? isAtLeast(tf.add(start ?? 0, sinks - 1), key) : undefined
    visible = tf.mul(visible, early ? tf.maximum(near, early) : near)
  }
  if (padding) visible = tf.mul(visible, tf.sub(1, tf.gather(padding, tf.tensor1d(keys, 'int32'), 3)))
  return visible as tf.Tensor4D
}

/** 1 where a ≥ b, else 0, of whole numbers: comparisons give booleans, which not every backend multiplies. */
const isAtLeast = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.clipByValue(tf.add(tf.sub(a, b), 1), 0, 1)
