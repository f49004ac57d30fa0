// Letters: B batch, H heads, G heads of keys and values, Q queries, C slots.
import * as tf from '@tensorflow/tfjs'
import { hasOperations, tensorflowOp } from '../tensorflow/tensorflow-op.js'
import { softmax } from './general/tile.js'
import { visibleTile } from './general/visible.js'
import type { AttentionInputs, AttentionKernel } from './kernel.js'
import type { AttentionProblem } from './problem.js'
import { unmaskedBias } from './tiled/bias-tile.js'
import { MASKED } from './tiled/tile.js'

/**
 * Attention of new tokens with a cache that has slots for more: the graph is the same however many are in use,
 * as `firstQuery` says. Keys and values come with the heads that they have, and are read where they are. For passes with
 * `slots` alone, so it stands in no list.
 */
export const slotted: AttentionKernel = {
  name: 'slotted',
  takes: [
    ...(['linear bias', 'tile bias', 'position gaps', 'padding', 'documents'] as const),
    ...(['window', 'sinks', 'gate'] as const),
    ...(['rewritten scores', 'sink logit'] as const),
  ],
  refuses: ({ trains }) => (trains ? 'has no gradients' : undefined),
  run: attendSlots,
}

function attendSlots(problem: AttentionProblem, inputs: AttentionInputs): tf.Tensor4D {
  const { q, k, v, bias, gate, rewrite, sink, firstQuery } = inputs
  const { batchSize: B, numHeads: H, numQueries: Q, numKeys: C, headDim } = problem
  const G = k.shape[1]
  const tile = { index: 0, start: 0, end: Q, numKeys: C }
  const keys = Int32Array.from({ length: C }, (_, i) => i)
  const visible = visibleTile(problem, inputs, tile, keys)
  const hidden = tf.mul(tf.sub(1, visible), MASKED)
  const added = unmaskedBias(bias, tile)
  if (hasOperations() && !gate && !rewrite && !sink)
    return tensorflowOp('AlibiAttendSlots', {}, [q, k, v, added ? tf.add(hidden, added) : hidden])[0] as tf.Tensor4D
  // The queries of the heads that share keys are rows of one product.
  const grouped = tf.reshape(tf.mul(q, 1 / Math.sqrt(headDim)), [B, G, (H / G) * Q, headDim])
  let scores = tf.reshape(tf.matMul(grouped, k, false, true), [B, H, Q, C]) as tf.Tensor4D
  if (added) scores = tf.add(scores, added)
  if (gate) {
    const own = tf.add(tf.range(0, Q, 1, 'int32'), firstQuery!) as tf.Tensor1D
    const ofQueries = tf.reshape(tf.gather(gate, own, 2), [B, H, Q, 1])
    scores = tf.add(scores, tf.sub(ofQueries, tf.reshape(gate, [B, H, 1, C])))
  }
  if (rewrite) {
    const all =
      G === H ? k : tf.reshape(tf.tile(tf.reshape(k, [B, G, 1, C * headDim]), [1, 1, H / G, 1]), [B, H, C, headDim])
    scores = rewrite.evaluate({ scores, q, k: all as tf.Tensor4D, visible, start: 0, keys }, rewrite.parameters)
  }
  // Scores of slots that nothing was written to are finite, so that adding hides them.
  const weights = rewrite?.isLog
    ? tf.mul(tf.exp(tf.add(tf.mul(scores, visible), hidden)), visible)
    : softmax(tf.add(rewrite ? tf.mul(scores, visible) : scores, hidden) as tf.Tensor4D, sink)
  const mixed = tf.matMul(tf.reshape(weights, [B, G, (H / G) * Q, C]), v)
  return tf.reshape(mixed, [B, H, Q, headDim]) as tf.Tensor4D
}
