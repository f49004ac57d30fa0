// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias, Tile } from '../bias.js'
import type { AttentionInputs } from '../kernel.js'
import { unmaskedBias } from './bias-tile.js'

/** Added where a query must not look. Finite, so that a row with nothing to see (padding) stays finite. */
export const MASKED = -1e30

/** Blocks of at most `queriesPerTile` queries, in order. */
export function causalTiles(
  numQueries: number,
  numKeys: number,
  queriesPerTile: number,
  documentStarts?: Int32Array,
): Tile[] {
  return Array.from({ length: Math.ceil(numQueries / queriesPerTile) }, (_, index) => {
    const start = index * queriesPerTile
    const end = Math.min(start + queriesPerTile, numQueries)
    // Keys of earlier documents are left out: within a row, documents only begin later.
    const firstKey = documentStarts?.[start] ?? 0
    return { index, start, end, firstKey, numKeys: numKeys - numQueries + end }
  })
}

/** The attention weights of one tile, and what gradients need of the way there. */
export function attendTile({ q, k, v, bias, padding, dropout, gate, documents }: AttentionInputs, tile: Tile) {
  const [B, H, , headDim] = q.shape
  const { firstKey = 0 } = tile
  const rows = tile.end - tile.start
  const numKeys = tile.numKeys - firstKey
  const queries = tf.mul(tf.slice(q, [0, 0, tile.start, 0], [B, H, rows, headDim]), 1 / Math.sqrt(headDim))
  const keys = tf.slice(k, [0, 0, firstKey, 0], [B, H, numKeys, headDim])
  const values = tf.slice(v, [0, 0, firstKey, 0], [B, H, numKeys, headDim])
  let scores = tf.add(tf.matMul(queries, keys, false, true), biasTile(bias, tile))
  if (padding) scores = tf.add(scores, tf.mul(tf.slice(padding, [0, 0, 0, firstKey], [B, 1, 1, numKeys]), MASKED))
  if (gate) scores = tf.add(scores, gateTile(gate, tile))
  if (documents) scores = tf.add(scores, tf.mul(beforeDocuments(documents, tile), MASKED))
  const probabilities = tf.softmax(scores)
  // A seed of its own for each tile: uses are 4096 apart.
  const kept = dropout?.keep(probabilities.shape, tf.add(dropout.seed, tf.tensor1d([0, tile.index], 'int32')))
  return { queries, keys, values, probabilities, kept, weights: kept ? tf.mul(probabilities, kept) : probabilities }
}

/**
 * c[first query] − c[key] of one tile, for c[query] − c[key]: a softmax is the same whatever is added to a whole row.
 *
 * @returns [B, H, 1, keys]
 */
function gateTile(gate: tf.Tensor3D, { start, end, firstKey = 0, numKeys }: Tile): tf.Tensor {
  const [B, H] = gate.shape
  // The tile's last query is at its last key.
  const ofFirst = tf.slice(gate, [0, 0, numKeys - (end - start)], [B, H, 1])
  const ofKeys = tf.slice(gate, [0, 0, firstKey], [B, H, numKeys - firstKey])
  return tf.reshape(tf.sub(ofFirst, ofKeys), [B, H, 1, numKeys - firstKey])
}

/** Above 0 for the keys before a query's document, else 0; [B, 1, queries, keys]. */
function beforeDocuments(documents: tf.Tensor4D, { start, end, firstKey = 0, numKeys }: Tile): tf.Tensor {
  const starts = tf.slice(documents, [0, 0, start, 0], [-1, 1, end - start, 1])
  return tf.relu(tf.sub(starts, tf.range(firstKey, numKeys)))
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
