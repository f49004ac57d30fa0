// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias } from '../tiled/bias-tile.js'
import { type AttentionOptions, attendTile, causalTiles, join } from '../tiled/tile.js'
import { type KeyRange, type KnownBias, keyRanges } from './key-ranges.js'
import { scoreBounds } from './score-bounds.js'
import { LARGEST_SCORE, skippingAttention } from './skipping.js'

/** Queries from which on looking at the norms of q and k pays: reading them stops the device for a moment. */
const LONG = 1024

/**
 * Its tiles are larger than blockSize: 16,384 tokens took 4.3 s in tiles of 512, 5.3 in 256, 7.1 in 128 (2 threads). A batch
 * fills an operation with fewer queries a row.
 */
const LONG_BLOCK = 512

/** Whether this pass is long, needs no gradient, and may wait for numbers on the host. */
export const isLong = (q: tf.Tensor4D) =>
  q.shape[2] >= LONG && tf.getBackend() !== 'webgpu' && tf.engine().state.gradientDepth === 0

/**
 * Causal attention without gradients, over the keys that have any weight.
 *
 * @param q - shape [B, H, Q, headDim]; the last Q of the K tokens
 * @param k - shape [B, H, K, headDim]
 * @param v - shape [B, H, K, headDim]
 * @returns shape [B, H, Q, headDim]; undefined where every key counts, or nothing is known of the bias
 */
export function attendLong(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  options: AttentionOptions,
): tf.Tensor4D | undefined {
  const { bias, skipTolerance: tolerance = 0 } = options
  const known = readBias(bias)
  if (!known) return undefined
  const shape = { numQueries: q.shape[2], numKeys: k.shape[2], tolerance }
  if ('slopes' in known) {
    const blockSize = Math.max(Math.floor(LONG_BLOCK / q.shape[0]), options.blockSize)
    const bounds = scoreBounds(q, k, blockSize)
    if (bounds.every(({ upper }) => upper.every((score) => score <= LARGEST_SCORE))) {
      const ranges = keyRanges(known, bounds, { ...shape, blockSize })
      return skippingAttention(q, k, v, known.slopes, ranges, blockSize).output
    }
  }
  const { blockSize } = options
  const ranges = keyRanges(known, scoreBounds(q, k, blockSize), { ...shape, blockSize })
  const allCount = ranges.every(({ first }) => first.every((key) => key < blockSize))
  return allCount ? undefined : attendRanges(q, k, v, options, ranges)
}

/** The bias on the host, where distances are those of indices. */
function readBias(bias: AttentionBias): KnownBias | undefined {
  if (bias.kind === 'linear') return bias.consecutive ? { slopes: bias.slopes.dataSync() } : undefined
  return bias.kind === 'table' ? { table: bias.table.dataSync(), length: bias.table.shape[1]! } : undefined
}

/** Heads that need the same keys go together. */
function attendRanges(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  options: AttentionOptions,
  ranges: readonly KeyRange[],
): tf.Tensor4D {
  const H = q.shape[1]
  const { blockSize } = options
  const tiles = causalTiles(q.shape[2], k.shape[2], blockSize)
  // Rounded down so that more heads agree.
  const firstKeys = Array.from({ length: H }, (_, head) =>
    ranges.map(({ first }) => first[head]! - (first[head]! % blockSize)),
  )
  const groups = new Map<string, number[]>()
  for (const [head, keys] of firstKeys.entries()) groups.set(keys.join(), [...(groups.get(keys.join()) ?? []), head])
  return tf.tidy(() => {
    const outputs = [...groups.values()].map((heads) => {
      const indices = tf.tensor1d(heads, 'int32')
      const [queries, keys, values] = [q, k, v].map((x) => tf.gather(x, indices, 1))
      const own = { ...options, bias: biasOf(options.bias, indices) }
      const parts = tiles.map((tile, i) =>
        tf.tidy(() => {
          const counting = { ...tile, firstKey: firstKeys[heads[0]!]![i]! }
          const attended = attendTile(queries!, keys!, values!, [], counting, own)
          return tf.matMul(attended.weights, attended.values)
        }),
      )
      return join(parts)
    })
    const order = [...groups.values()].flat()
    const back = Array.from({ length: H }, (_, head) => order.indexOf(head))
    return tf.gather(tf.concat(outputs, 1), tf.tensor1d(back, 'int32'), 1) as tf.Tensor4D
  })
}

/** The bias of some heads alone. */
function biasOf(bias: AttentionBias, heads: tf.Tensor1D): AttentionBias {
  if (bias.kind === 'linear') return { ...bias, slopes: tf.gather(bias.slopes, heads) }
  return bias.kind === 'table' ? { ...bias, table: tf.gather(bias.table, heads) } : bias
}
