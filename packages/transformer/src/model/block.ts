// Letters: B batch, L tokens, N = B·L, D modelDim, H heads, G heads of keys and values.
import * as tf from '@tensorflow/tfjs'
import type { KvCache } from '../inference/kv-cache.js'
import type { AttentionStorage } from '../kernels/attention/tiled/tile.js'
import { attention } from '../kernels/attention/tiled/tiled.js'
import { windowedAttention } from '../kernels/attention/windowed.js'
import { canFuse, fusedSelfAttention } from '../kernels/webgpu/attention/fused.js'
import { drop, type Layers, linear, mlp, normalize } from './layers.js'
import type { PositionEncoding } from './position.js'

/** What the blocks of one forward pass share. */
export interface BlockContext extends Layers {
  readonly positions: PositionEncoding
  readonly batchSize: number
  readonly cache?: KvCache | undefined
  /** 1 for left padding; [B, 1, 1, K]. */
  readonly padding?: tf.Tensor | undefined
  /** Keys that a query may attend to, the last ones; absent: all. */
  readonly attentionWindow?: number | undefined
  readonly skipTolerance?: number | undefined
  readonly attentionStorage?: AttentionStorage | undefined
}

/**
 * One pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)); or both from the same x.
 *
 * @param x - shape [N, D]
 * @returns shape [N, D]
 */
export function block(x: tf.Tensor2D, layer: number, context: BlockContext): tf.Tensor2D {
  const at = `layers.${layer}`
  const { dropout, parallelResidual } = context.config
  const normed = normalize(x, `${at}.attention_norm`, context)
  const attended = tf.add(x, drop(selfAttention(normed, layer, context), dropout, context)) as tf.Tensor2D
  const read = parallelResidual ? x : attended
  const fed = mlp(normalize(read, `${at}.mlp_norm`, context), `${at}.mlp`, context)
  return tf.add(attended, drop(fed, dropout, context)) as tf.Tensor2D
}

function selfAttention(x: tf.Tensor2D, layer: number, context: BlockContext): tf.Tensor2D {
  const {
    config,
    positions,
    batchSize: B,
    cache,
    padding,
    attentionWindow,
    skipTolerance,
    attentionStorage,
    nextSeed,
  } = context
  const { modelDim: D, numHeads: H, numKeyValueHeads: G, clipQkv, blockSize, attentionDropout: rate } = config
  const at = `layers.${layer}.attention`
  const L = x.shape[0] / B
  const product = linear(x, `${at}.qkv`, context)
  const whole = !cache && attentionWindow === undefined && !(nextSeed && rate) && G === H && clipQkv === null
  const fusable = { bias: positions.bias(layer), trainBias: positions.trainBias, padding, attentionStorage }
  if (whole && canFuse(fusable, { batchSize: B, numHeads: H, numQueries: L, numKeys: L, headDim: D / H })) {
    const rotation = positions.packedRotation
    const mixed = fusedSelfAttention(product, { batchSize: B, numHeads: H }, { ...fusable, rotation })
    return linear(mixed, `${at}.out`, context)
  }
  const clipped = clipQkv === null ? product : tf.clipByValue(product, -clipQkv, clipQkv)
  const qkv = tf.transpose(tf.reshape(clipped, [B, L, H + 2 * G, D / H]), [0, 2, 1, 3])
  const [q, newKeys, newValues] = tf.split(qkv, [H, G, G], 1) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]

  const cacheable = positions.cacheRotated ? positions.rotateKeys(newKeys) : newKeys
  const all = cache ? cache.extend(layer, cacheable, newValues) : { keys: cacheable, values: newValues }
  const keys = shared(positions.cacheRotated ? all.keys : positions.rotateKeys(all.keys), H / G)
  const values = shared(all.values, H / G)
  const options = {
    ...fusable,
    blockSize,
    skipTolerance,
    dropout: nextSeed && rate ? { rate, seed: nextSeed() } : undefined,
  }
  const queries = positions.rotateQueries(q)
  const mixed =
    attentionWindow !== undefined && attentionWindow < keys.shape[2]
      ? windowedAttention(queries, keys, values, attentionWindow, options)
      : attention(queries, keys, values, options)
  const merged = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B * L, D]) as tf.Tensor2D
  return linear(merged, `${at}.out`, context)
}

/** Each head `times` times in a row, [B, G, K, headDim] → [B, H, K, headDim]: after the cache, which holds it once. */
function shared(x: tf.Tensor4D, times: number): tf.Tensor4D {
  if (times === 1) return x
  const [B, G, K, headDim] = x.shape
  return tf.reshape(tf.tile(tf.reshape(x, [B, G, 1, K * headDim]), [1, 1, times, 1]), [B, G * times, K, headDim])
}
