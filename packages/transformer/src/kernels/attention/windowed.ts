// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import type { AttentionInputs, AttentionKernel } from './kernel.js'
import type { AttentionFeature, AttentionProblem } from './problem.js'
import { unmaskedBias } from './tiled/bias-tile.js'
import { MASKED } from './tiled/tile.js'
import { tiled } from './tiled/tiled.js'

/**
 * Each query sees the last `window` keys only, its own included. Keys that no query of a tile sees are never computed: work
 * and memory grow with window·Q.
 */
export const windowed: AttentionKernel = {
  name: 'windowed',
  takes: [...tiled.takes, 'window'],
  refuses: ({ window }) => (window === undefined ? 'needs a window' : undefined),
  run: attendWindow,
}

/** A tile of queries at a time, against the keys that any of them sees. */
function attendWindow(problem: AttentionProblem, inputs: AttentionInputs): tf.Tensor4D {
  const { q, k, v, bias, padding, dropout, gate, documents } = inputs
  const { batchSize: B, numHeads: H, numQueries: Q, numKeys, headDim, queriesPerTile } = problem
  const window = problem.window!
  const past = numKeys - Q
  const outputs = Array.from({ length: Math.ceil(Q / queriesPerTile) }, (_, index) => {
    const start = index * queriesPerTile
    const end = Math.min(start + queriesPerTile, Q)
    const from = Math.max(0, past + start - window + 1)
    const seen = past + end - from
    const within = (x: tf.Tensor4D) => tf.slice(x, [0, 0, from, 0], [B, H, seen, headDim])
    return tiled.run(
      {
        ...problem,
        numQueries: end - start,
        numKeys: seen,
        asks: problem.asks.flatMap(asTiles),
        window: undefined,
        documentStarts: undefined,
      },
      {
        q: tf.slice(q, [0, 0, start, 0], [B, H, end - start, headDim]),
        k: within(k),
        v: within(v),
        bias: {
          kind: 'tiles',
          tiles() {
            const limit = beyondWindow(end - start, seen, window)
            const unlimited = unmaskedBias(bias, { index, start, end, firstKey: from, numKeys: past + end })
            return unlimited ? tf.add(unlimited, limit) : limit
          },
        },
        padding: padding && tf.slice(padding, [0, 0, 0, from], [B, 1, 1, seen]),
        gate: gate && tf.slice(gate, [0, 0, from], [B, H, seen]),
        documents: documents && tf.sub(tf.slice(documents, [0, 0, start, 0], [-1, 1, end - start, 1]), from),
        dropout: dropout && { ...dropout, seed: tf.add(dropout.seed, tf.tensor1d([0, index], 'int32')) },
      },
    )
  })
  return outputs.length === 1 ? outputs[0]! : tf.concat(outputs, 2)
}

/** The window is part of the bias of each tile. */
const asTiles = (feature: AttentionFeature): AttentionFeature[] => {
  if (feature === 'window') return ['tile bias']
  return ['linear bias', 'table bias', 'tile bias', 'position gaps'].includes(feature) ? [] : [feature]
}

/** 0 where a query may look back to, else at most {@link MASKED}; [queries, keys]. */
function beyondWindow(rows: number, numKeys: number, window: number): tf.Tensor {
  const oldest = tf.reshape(tf.range(numKeys - rows - window + 1, numKeys - window + 1), [-1, 1])
  return tf.mul(tf.relu(tf.sub(oldest, tf.reshape(tf.range(0, numKeys), [1, -1]))), MASKED)
}
