// Letters: B batch, L tokens, N = B·L, D modelDim, H heads, G heads of keys and values.
import * as tf from '@tensorflow/tfjs'
import type { KvCache } from '../inference/kv-cache.js'
import type { AttentionDropout } from '../kernels/attention/kernel.js'
import type { LayerAttention } from './attend.js'
import { drop, type Layers, linear, mlp, normalize } from './layers.js'
import type { PositionEncoding } from './position.js'

/** What the blocks of one forward pass share. */
export interface BlockContext extends Layers {
  readonly positions: PositionEncoding
  readonly batchSize: number
  readonly cache?: KvCache | undefined
  /** 1 for left padding; [B, 1, 1, K]. */
  readonly padding?: tf.Tensor | undefined
  /** How each layer attends. */
  readonly layers: readonly LayerAttention[]
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
  const { positions, padding } = context
  const { kernel, problem, projected } = context.layers[layer]!
  const at = `layers.${layer}.attention`
  const qkv = linear(x, `${at}.qkv`, context)
  const others = { bias: positions.bias(layer), padding, dropout: dropoutOf(context) }
  const mixed = projected
    ? kernel.runProjected!(problem, { ...others, qkv, rotation: positions.packedRotation })
    : merge(kernel.run(problem, { ...others, ...split(qkv, layer, context) }))
  return linear(mixed, `${at}.out`, context)
}

/** Queries, keys and values by head, rotated, with those of the cache. */
function split(product: tf.Tensor2D, layer: number, { config, positions, batchSize: B, cache }: BlockContext) {
  const { modelDim: D, numHeads: H, numKeyValueHeads: G, clipQkv } = config
  const clipped = clipQkv === null ? product : tf.clipByValue(product, -clipQkv, clipQkv)
  const qkv = tf.transpose(tf.reshape(clipped, [B, -1, H + 2 * G, D / H]), [0, 2, 1, 3])
  const [q, newKeys, newValues] = tf.split(qkv, [H, G, G], 1) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]
  const cacheable = positions.cacheRotated ? positions.rotateKeys(newKeys) : newKeys
  const all = cache ? cache.extend(layer, cacheable, newValues) : { keys: cacheable, values: newValues }
  const keys = shared(positions.cacheRotated ? all.keys : positions.rotateKeys(all.keys), H / G)
  return { q: positions.rotateQueries(q), k: keys, v: shared(all.values, H / G) }
}

/** [B, H, L, headDim] → [B·L, D] */
function merge(x: tf.Tensor4D): tf.Tensor2D {
  const [B, H, L, headDim] = x.shape
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B * L, H * headDim])
}

function dropoutOf({ config, nextSeed, kernels }: BlockContext): AttentionDropout | undefined {
  const rate = config.attentionDropout
  if (!nextSeed || !rate) return undefined
  return { seed: nextSeed(), keep: (shape, seed) => kernels.keepMask(shape, rate, seed) }
}

/** Each head `times` times in a row, [B, G, K, headDim] → [B, H, K, headDim]: after the cache, which holds it once. */
function shared(x: tf.Tensor4D, times: number): tf.Tensor4D {
  if (times === 1) return x
  const [B, G, K, headDim] = x.shape
  return tf.reshape(tf.tile(tf.reshape(x, [B, G, 1, K * headDim]), [1, 1, times, 1]), [B, G * times, K, headDim])
}
