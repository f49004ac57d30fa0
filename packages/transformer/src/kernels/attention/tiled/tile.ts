// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import { keepMask } from '../../plain/dropout.js'
import { type AttentionBias, type Tile, unmaskedBias } from './bias-tile.js'

/** Added where a query must not look. Finite, so that a row with nothing to see (padding) stays finite. */
export const MASKED = -1e30

/** How queries, keys and values are kept: float16 is half the memory, and is for the fused kernels of webgpu. */
export type AttentionStorage = 'float32' | 'float16'

/** What {@link attention} takes besides queries, keys and values. */
export interface AttentionOptions {
  /** Added to the scaled scores. */
  readonly bias: AttentionBias
  /** Whether gradients reach the bias: its slopes, table or tiles are trained. */
  readonly trainBias: boolean
  /** Queries taken at a time. */
  readonly blockSize: number
  /** True for keys that no query may attend to (left padding); 1 or 0, shape [B, 1, 1, K]. */
  readonly padding?: tf.Tensor | undefined
  /** Drops attention weights in training; the seed, int32 [2], makes the backward pass drop the same ones. */
  readonly dropout?: { readonly rate: number; readonly seed: tf.Tensor1D } | undefined
  /**
   * Share of a row's weight that a long pass without gradients may leave out. Default 0: it leaves out keys whose weight
   * is zero in fp32, and no others.
   */
  readonly skipTolerance?: number | undefined
  /** Default float32. */
  readonly attentionStorage?: AttentionStorage | undefined
}

/** Blocks of at most `blockSize` queries, in order. */
export function causalTiles(numQueries: number, numKeys: number, blockSize: number): Tile[] {
  return Array.from({ length: Math.ceil(numQueries / blockSize) }, (_, index) => {
    const end = Math.min((index + 1) * blockSize, numQueries)
    return { index, start: index * blockSize, end, numKeys: numKeys - numQueries + end }
  })
}

/** The attention weights of one tile, and what gradients need of the way there. */
export function attendTile(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  trained: readonly tf.Tensor[],
  tile: Tile,
  { bias, padding, dropout }: AttentionOptions,
) {
  const [B, H, , headDim] = q.shape as [number, number, number, number]
  const { firstKey = 0 } = tile
  const [rows, numKeys] = [tile.end - tile.start, tile.numKeys - firstKey]
  const queries = tf.mul(tf.slice(q, [0, 0, tile.start, 0], [B, H, rows, headDim]), 1 / Math.sqrt(headDim))
  const keys = tf.slice(k, [0, 0, firstKey, 0], [B, H, numKeys, headDim])
  const values = tf.slice(v, [0, 0, firstKey, 0], [B, H, numKeys, headDim])
  let scores = tf.add(tf.matMul(queries, keys, false, true), biasTile(bias, trained, tile))
  if (padding) scores = tf.add(scores, tf.mul(tf.slice(padding, [0, 0, 0, firstKey], [B, 1, 1, numKeys]), MASKED))
  const probabilities = tf.softmax(scores)
  // A seed of its own for each tile: uses are 4096 apart.
  const kept =
    dropout && keepMask(probabilities.shape, dropout.rate, tf.add(dropout.seed, tf.tensor1d([0, tile.index], 'int32')))
  return { queries, keys, values, probabilities, kept, weights: kept ? tf.mul(probabilities, kept) : probabilities }
}

/** Bias and causal mask of one tile; [queries, keys] or [H, queries, keys]. */
function biasTile(bias: AttentionBias, trained: readonly tf.Tensor[], tile: Tile): tf.Tensor {
  const mask = causalMask(tile)
  const unmasked = unmaskedBias(bias, tile, trained[bias.kind === 'tiles' ? tile.index : 0])
  return unmasked ? tf.add(unmasked, mask) : mask
}

/** 0 where key ≤ query, else at most {@link MASKED}; made on the device, so nothing of size L² crosses from the host. */
function causalMask({ start, end, firstKey = 0, ...tile }: Tile): tf.Tensor2D {
  const [rows, numKeys] = [end - start, tile.numKeys - firstKey]
  const query = tf.reshape(tf.range(numKeys - rows, numKeys), [-1, 1])
  return tf.mul(tf.relu(tf.sub(tf.reshape(tf.range(0, numKeys), [1, -1]), query)), MASKED) as tf.Tensor2D
}

export const join = (blocks: tf.Tensor[]) => (blocks.length === 1 ? blocks[0]! : tf.concat(blocks, 2))
