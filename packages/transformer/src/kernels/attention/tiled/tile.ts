// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias, Tile } from '../bias.js'
import type { AttentionInputs } from '../kernel.js'
import { unmaskedBias } from './bias-tile.js'

/** Added where a query must not look. Finite, so that a row with nothing to see (padding) stays finite. */
export const MASKED = -1e30

/** Blocks of at most `queriesPerTile` queries, in order. */
export function causalTiles(numQueries: number, numKeys: number, queriesPerTile: number): Tile[] {
  return Array.from({ length: Math.ceil(numQueries / queriesPerTile) }, (_, index) => {
    const end = Math.min((index + 1) * queriesPerTile, numQueries)
    return { index, start: index * queriesPerTile, end, numKeys: numKeys - numQueries + end }
  })
}

/** The attention weights of one tile, and what gradients need of the way there. */
export function attendTile({ q, k, v, bias, padding, dropout }: AttentionInputs, tile: Tile) {
  const [B, H, , headDim] = q.shape
  const { firstKey = 0 } = tile
  const rows = tile.end - tile.start
  const numKeys = tile.numKeys - firstKey
  const queries = tf.mul(tf.slice(q, [0, 0, tile.start, 0], [B, H, rows, headDim]), 1 / Math.sqrt(headDim))
  const keys = tf.slice(k, [0, 0, firstKey, 0], [B, H, numKeys, headDim])
  const values = tf.slice(v, [0, 0, firstKey, 0], [B, H, numKeys, headDim])
  let scores = tf.add(tf.matMul(queries, keys, false, true), biasTile(bias, tile))
  if (padding) scores = tf.add(scores, tf.mul(tf.slice(padding, [0, 0, 0, firstKey], [B, 1, 1, numKeys]), MASKED))
  const probabilities = tf.softmax(scores)
  // A seed of its own for each tile: uses are 4096 apart.
  const kept = dropout?.keep(probabilities.shape, tf.add(dropout.seed, tf.tensor1d([0, tile.index], 'int32')))
  return { queries, keys, values, probabilities, kept, weights: kept ? tf.mul(probabilities, kept) : probabilities }
}

/** Bias and causal mask of one tile; [queries, keys] or [H, queries, keys]. */
function biasTile(bias: AttentionBias, tile: Tile): tf.Tensor {
  const mask = causalMask(tile)
  const unmasked = unmaskedBias(bias, tile)
  return unmasked ? tf.add(unmasked, mask) : mask
}

/** 0 where key ≤ query, else at most {@link MASKED}; made on the device, so nothing of size L² crosses from the host. */
function causalMask({ start, end, firstKey = 0, ...tile }: Tile): tf.Tensor2D {
  const rows = end - start
  const numKeys = tile.numKeys - firstKey
  const query = tf.reshape(tf.range(numKeys - rows, numKeys), [-1, 1])
  return tf.mul(tf.relu(tf.sub(tf.reshape(tf.range(0, numKeys), [1, -1]), query)), MASKED) as tf.Tensor2D
}

export const join = (blocks: tf.Tensor[]) => (blocks.length === 1 ? blocks[0]! : tf.concat(blocks, 2))
