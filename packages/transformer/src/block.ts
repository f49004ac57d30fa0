// Letters: B batch, L tokens, N = B·L, D modelDim, H heads.
import * as tf from '@tensorflow/tfjs'
import type { ModelConfig } from './config.js'
import { attention } from './kernels/attention.js'
import { keepMask } from './kernels/dropout.js'
import { gelu } from './kernels/gelu.js'
import { layerNorm } from './kernels/layer-norm.js'
import { windowedAttention } from './kernels/windowed.js'
import type { KvCache } from './kv-cache.js'
import type { PositionEncoding } from './position.js'

/** What the blocks of one forward pass share. */
export interface BlockContext {
  readonly config: Required<ModelConfig>
  readonly parameters: ReadonlyMap<string, tf.Variable>
  readonly positions: PositionEncoding
  readonly batchSize: number
  readonly cache?: KvCache | undefined
  /** 1 for left padding; [B, 1, 1, K]. */
  readonly padding?: tf.Tensor | undefined
  /** Keys that a query may attend to, the last ones; absent: all. */
  readonly attentionWindow?: number | undefined
  /** A fresh seed, int32 [2], for each dropout of the pass; absent outside training. */
  readonly nextSeed?: (() => tf.Tensor1D) | undefined
}

/**
 * One pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).
 *
 * @param x - shape [N, D]
 * @returns shape [N, D]
 */
export function block(x: tf.Tensor2D, layer: number, context: BlockContext): tf.Tensor2D {
  const p = (name: string) => context.parameters.get(`layers.${layer}.${name}`)!
  const normed = layerNorm(x, p('attention_norm.scale'), p('attention_norm.shift'))
  const attended = tf.add(x, drop(selfAttention(normed, layer, context), context)) as tf.Tensor2D
  const hidden = linear(
    layerNorm(attended, p('mlp_norm.scale'), p('mlp_norm.shift')),
    p('mlp.in.weight'),
    p('mlp.in.bias'),
  )
  const active = context.config.activation === 'relu' ? tf.relu(hidden) : gelu(hidden)
  return tf.add(attended, drop(linear(active, p('mlp.out.weight'), p('mlp.out.bias')), context)) as tf.Tensor2D
}

function selfAttention(x: tf.Tensor2D, layer: number, context: BlockContext): tf.Tensor2D {
  const { config, parameters, positions, batchSize: B, cache, padding, attentionWindow, nextSeed } = context
  const { modelDim: D, numHeads: H, blockSize, dropout } = config
  const p = (name: string) => parameters.get(`layers.${layer}.attention.${name}`)!
  const L = x.shape[0] / B
  const qkv = tf.reshape(linear(x, p('qkv.weight'), p('qkv.bias')), [B, L, 3, H, D / H])
  const [q, newKeys, newValues] = tf.unstack(tf.transpose(qkv, [2, 0, 3, 1, 4])) as [
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor4D,
  ]

  const cacheable = positions.cacheRotated ? positions.rotateKeys(newKeys) : newKeys
  const all = cache ? cache.extend(layer, cacheable, newValues) : { keys: cacheable, values: newValues }
  const keys = positions.cacheRotated ? all.keys : positions.rotateKeys(all.keys)
  const options = {
    bias: positions.bias(layer),
    trainBias: positions.trainBias,
    blockSize,
    padding,
    dropout: nextSeed && { rate: dropout, seed: nextSeed() },
  }
  const queries = positions.rotateQueries(q)
  const mixed =
    attentionWindow !== undefined && attentionWindow < keys.shape[2]
      ? windowedAttention(queries, keys, all.values, attentionWindow, options)
      : attention(queries, keys, all.values, options)
  const merged = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B * L, D]) as tf.Tensor2D
  return linear(merged, p('out.weight'), p('out.bias'))
}

/** x·weight + bias as a two-dimensional product: batched products are slower everywhere. */
const linear = (x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor) =>
  tf.add(tf.matMul(x, weight as tf.Tensor2D), bias) as tf.Tensor2D

export const drop = <T extends tf.Tensor>(x: T, { config, nextSeed }: Pick<BlockContext, 'config' | 'nextSeed'>): T =>
  nextSeed ? tf.mul(x, keepMask(x.shape, config.dropout, nextSeed())) : x
