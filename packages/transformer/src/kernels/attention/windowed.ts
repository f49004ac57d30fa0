// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import { unmaskedBias } from './tiled/bias-tile.js'
import { type AttentionOptions, MASKED } from './tiled/tile.js'
import { attention } from './tiled/tiled.js'

/**
 * {@link attention} in which each query sees the last `window` keys only, its own included. Keys that no query of a block
 * sees are never computed.
 *
 * @param q - shape [B, H, Q, headDim]; the last Q of the K tokens
 * @param k - shape [B, H, K, headDim]
 * @param v - shape [B, H, K, headDim]
 * @param window - keys, ≥ 1
 * @returns shape [B, H, Q, headDim]
 */
export function windowedAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  window: number,
  options: AttentionOptions,
): tf.Tensor4D {
  const { bias, blockSize, padding, dropout, attentionStorage } = options
  const [B, H, Q, headDim] = q.shape
  const past = k.shape[2] - Q
  const outputs = Array.from({ length: Math.ceil(Q / blockSize) }, (_, index) => {
    const start = index * blockSize
    const end = Math.min(start + blockSize, Q)
    const from = Math.max(0, past + start - window + 1)
    const numKeys = past + end - from
    const within = (x: tf.Tensor4D) => tf.slice(x, [0, 0, from, 0], [B, H, numKeys, headDim])
    return attention(tf.slice(q, [0, 0, start, 0], [B, H, end - start, headDim]), within(k), within(v), {
      bias: {
        kind: 'tiles',
        tiles() {
          const limit = beyondWindow(end - start, numKeys, window)
          const unlimited = unmaskedBias(bias, { index, start, end, firstKey: from, numKeys: past + end })
          return unlimited ? tf.add(unlimited, limit) : limit
        },
      },
      trainBias: options.trainBias,
      blockSize,
      attentionStorage,
      padding: padding && tf.slice(padding, [0, 0, 0, from], [B, 1, 1, numKeys]),
      dropout: dropout && { ...dropout, seed: tf.add(dropout.seed, tf.tensor1d([0, index], 'int32')) },
    })
  })
  return outputs.length === 1 ? outputs[0]! : tf.concat(outputs, 2)
}

/** 0 where a query may look back to, else at most {@link MASKED}; [queries, keys]. */
function beyondWindow(rows: number, numKeys: number, window: number): tf.Tensor {
  const oldest = tf.reshape(tf.range(numKeys - rows - window + 1, numKeys - window + 1), [-1, 1])
  return tf.mul(tf.relu(tf.sub(oldest, tf.reshape(tf.range(0, numKeys), [1, -1]))), MASKED)
}
