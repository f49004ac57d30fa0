// Letters: B batch, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import type { Tile } from '../bias.js'
import type { AttentionInputs } from '../kernel.js'
import type { AttentionProblem } from '../problem.js'

/**
 * The indices of the keys that some query of a tile may see, ascending: those in the window, and first keys that are
 * sinks. The kernel never computes the other keys.
 */
export function keysOf(problem: AttentionProblem, tile: Tile): Int32Array {
  const { asks, numQueries, numKeys, window = Infinity, sinks = 0, documentStarts } = problem
  const end = asks.includes('all keys') ? numKeys : tile.numKeys
  const first = documentStarts?.[tile.start] ?? 0
  const inWindow = Math.max(first, numKeys - numQueries + tile.start - window + 1)
  // With documents, sinks may be anywhere from the first document on. The shifted rows of relative terms need consecutive keys.
  const whole = sinks > 0 && (documentStarts !== undefined || asks.includes('relative terms'))
  const from = asks.includes('all keys') || whole ? first : inWindow
  const early = documentStarts ? 0 : Math.min(sinks, from)
  return Int32Array.from({ length: early + end - from }, (_, i) => (i < early ? i : from + i - early))
}

/** 1 where a query of the tile sees a key, else 0; [B or 1, 1, queries, keys]. Made on the device. */
export function visibleTile(
  problem: AttentionProblem,
  { padding, documents, firstQuery }: Pick<AttentionInputs, 'padding' | 'documents' | 'firstQuery'>,
  tile: Tile,
  keys: Int32Array,
): tf.Tensor4D {
  const { asks, numQueries, numKeys, window, sinks = 0 } = problem
  const past = numKeys - numQueries
  const rows = tile.end - tile.start
  const indices = firstQuery
    ? tf.add(tf.range(tile.start, tile.end), tf.cast(firstQuery, 'float32'))
    : tf.range(past + tile.start, past + tile.end)
  const query = tf.reshape(indices, [1, 1, rows, 1])
  const key = tf.reshape(tf.tensor1d(Float32Array.from(keys)), [1, 1, 1, -1])
  const ahead = asks.includes('all keys')
  const start = documents ? tf.slice(documents, [0, 0, tile.start, 0], [-1, 1, rows, 1]) : undefined
  let visible = ahead ? tf.onesLike(tf.add(query, key)) : isAtLeast(query, key)
  if (start) visible = tf.mul(visible, isAtLeast(key, start))
  // A key ahead is in the query's document if both documents start at the same index. Such a pass has no cache: K = Q.
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

/** 1 where a ≥ b, else 0, for whole numbers. A comparison would give booleans, which some backends cannot multiply. */
const isAtLeast = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.clipByValue(tf.add(tf.sub(a, b), 1), 0, 1)
