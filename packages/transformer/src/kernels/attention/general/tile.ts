// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias, Tile } from '../bias.js'
import type { AttentionInputs, RelativeTensors } from '../kernel.js'
import type { AttentionProblem } from '../problem.js'
import { unmaskedBias } from '../tiled/bias-tile.js'
import { MASKED } from '../tiled/tile.js'
import { keyTerms, queryTerms } from './terms.js'
import { type GapsTile, termsWithGaps } from './terms-with-gaps.js'
import { keysOf, visibleTile } from './visible.js'

/** The attention of one tile of queries, in the same steps as core's `attentionScores`; [B, H, queries, headDim]. */
export function attendRows(problem: AttentionProblem, inputs: AttentionInputs, tile: Tile): tf.Tensor4D {
  const { q, k, v, terms, gate, rewrite, dropout } = inputs
  const { batchSize: B, numHeads: H, headDim, numKeys, numQueries } = problem
  const rows = tile.end - tile.start
  const keys = keysOf(problem, tile)
  const queries = tf.slice(q, [0, 0, tile.start, 0], [B, H, rows, headDim])
  const seen = columns(k, keys, 2) as tf.Tensor4D
  const met = terms?.queryBias ? tf.add(queries, tf.reshape(terms.queryBias, [1, H, 1, headDim])) : queries
  let products = tf.matMul(met, seen, false, true) as tf.Tensor
  const firstQuery = numKeys - numQueries + tile.start
  if (terms) products = withTerms(products, terms, { queries, keys: seen, firstQuery, indices: keys })
  let scores = tf.mul(products, (terms?.scale ?? 1) / Math.sqrt(headDim))
  const bias = biasOf(inputs.bias, tile, keys)
  if (bias) scores = tf.add(scores, bias)
  if (gate) {
    const ofQueries = tf.reshape(tf.slice(gate, [0, 0, firstQuery], [B, H, rows]), [B, H, rows, 1])
    scores = tf.add(scores, tf.sub(ofQueries, tf.reshape(columns(gate, keys, 2), [B, H, 1, -1])))
  }
  const visible = visibleTile(problem, inputs, tile, keys)
  if (rewrite) {
    const given = { scores: scores as tf.Tensor4D, q: queries, k: seen, visible, start: tile.start, keys }
    // A rewrite may make anything of a hidden score, which is added to what hides it.
    scores = tf.mul(rewrite.evaluate(given, rewrite.parameters), visible)
  }
  const masked = tf.add(scores, tf.mul(tf.sub(1, visible), MASKED))
  const weights = rewrite?.isLog ? tf.mul(tf.exp(masked), visible) : softmax(masked as tf.Tensor4D, inputs.sink)
  const kept = dropout?.keep(weights.shape, tf.add(dropout.seed, tf.tensor1d([0, tile.index], 'int32')))
  return tf.matMul(kept ? tf.mul(weights, kept) : weights, columns(v, keys, 2)) as tf.Tensor4D
}

/**
 * The keys of `x` along an axis: one slice if they are consecutive, two if there is a gap between sinks and the window.
 */
function columns(x: tf.Tensor, keys: Int32Array, axis: number): tf.Tensor {
  const gap = keys.findIndex((key, i) => i > 0 && key !== keys[i - 1]! + 1)
  const slice = (from: number, size: number) =>
    tf.slice(
      x,
      x.shape.map((_, each) => (each === axis ? from : 0)),
      x.shape.map((all, each) => (each === axis ? size : all)),
    )
  if (gap < 0) return slice(keys[0]!, keys.length)
  return tf.concat([slice(keys[0]!, gap), slice(keys[gap]!, keys.length - gap)], axis)
}

function withTerms(products: tf.Tensor, terms: RelativeTensors, tile: GapsTile): tf.Tensor {
  const { queryTable, keyTable, lowest, gaps } = terms
  if (!queryTable && !keyTable) return products
  if (gaps) return tf.add(products, termsWithGaps(terms, gaps, tile))
  const { queries, keys, firstQuery, indices } = tile
  const place = { firstQuery, firstKey: indices[0]! }
  let sum = products
  if (queryTable) sum = tf.add(sum, queryTerms(queries, queryTable, lowest, keys.shape[2], place))
  if (keyTable) sum = tf.add(sum, keyTerms(keys, keyTable, lowest, queries.shape[2], place))
  return sum
}

/** The bias of a tile's queries and some keys; undefined without a bias. */
function biasOf(bias: AttentionBias, tile: Tile, keys: Int32Array): tf.Tensor | undefined {
  const firstKey = keys[0]!
  const end = keys.at(-1)! + 1
  const whole = unmaskedBias(bias, { ...tile, firstKey, numKeys: end })
  if (!whole || end - firstKey === keys.length) return whole
  const places = keys.map((key) => key - firstKey)
  return columns(whole, places, whole.rank - 1)
}

/** Softmax over the keys. A sink adds one logit a head to the sum; its own weight is dropped. */
export function softmax(scores: tf.Tensor4D, sink: tf.Tensor1D | undefined): tf.Tensor4D {
  if (!sink) return tf.softmax(scores)
  const [B, H, rows, K] = scores.shape
  const logits = tf.add(tf.zeros([B, H, rows, 1]), tf.reshape(sink, [1, H, 1, 1])) as tf.Tensor4D
  return tf.slice(tf.softmax(tf.concat([scores, logits], 3)), [0, 0, 0, 0], [B, H, rows, K])
}
