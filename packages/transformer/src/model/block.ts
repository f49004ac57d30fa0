// Letters: B batch, L tokens, N = B·L, D modelDim, H heads, G heads of keys and values.
import * as tf from '@tensorflow/tfjs'
import type { KvCache } from '../inference/kv-cache.js'
import type { SlotCache } from '../inference/slot-cache.js'
import { type AttentionDropout, run, runProjected } from '../kernels/attention/kernel.js'
import { runningSums } from '../kernels/plain/running-sums.js'
import type { LayerAttention } from './attend.js'
import { drop, type Layers, linear, mlp, normalize } from './layers.js'
import type { PositionEncoding } from './position.js'

/** What the blocks of one forward pass share. */
export interface BlockContext extends Layers {
  readonly positions: PositionEncoding
  readonly batchSize: number
  readonly cache?: KvCache | undefined
  /** Instead of a cache; with the index of the first new token. */
  readonly slots?: SlotCache | undefined
  readonly firstQuery?: tf.Tensor1D | undefined
  /** 1 for left padding; [B, 1, 1, K]. */
  readonly padding?: tf.Tensor | undefined
  /** The index of the first key of each query's document; [B, 1, Q, 1]. */
  readonly documents?: tf.Tensor4D | undefined
  /** How each layer attends. */
  readonly layers: readonly LayerAttention[]
}

/**
 * One transformer block: attention is added to x, then the MLP to the sum; or both to the same x. Norms stand where
 * `normPlacement` says.
 *
 * @param x - shape [N, D]
 * @returns shape [N, D]
 */
export function block(x: tf.Tensor2D, layer: number, context: BlockContext): tf.Tensor2D {
  const at = `layers.${layer}`
  const attended = sublayer(x, x, `${at}.attention`, context, (read) => selfAttention(read, layer, context))
  const read = context.config.parallelResidual ? x : attended
  return sublayer(attended, read, `${at}.mlp`, context, (read) => mlp(read, `${at}.mlp`, context))
}

/** x + f(read), with the norms of the sublayer of that name. */
function sublayer(
  x: tf.Tensor2D,
  read: tf.Tensor2D,
  name: string,
  context: BlockContext,
  f: (x: tf.Tensor2D) => tf.Tensor2D,
): tf.Tensor2D {
  const { normPlacement: place, dropout } = context.config
  const given = f(place === 'pre' || place === 'pre-and-output' ? normalize(read, `${name}_norm`, context) : read)
  const made =
    place === 'output' || place === 'pre-and-output' ? normalize(given, `${name}_output_norm`, context) : given
  const sum = tf.add(x, drop(made, dropout, context)) as tf.Tensor2D
  return place === 'post' ? normalize(sum, `${name}_norm`, context) : sum
}

function selfAttention(x: tf.Tensor2D, layer: number, context: BlockContext): tf.Tensor2D {
  const { padding, documents, firstQuery } = context
  const positions = context.positions.layer(layer)
  const { kernel, problem, projected } = context.layers[layer]!
  const at = `layers.${layer}.attention`
  const qkv = linear(x, `${at}.qkv`, context)
  const gates = byHead(positions.gates(x), context.batchSize)
  const others = { ...positions.scoreInputs(), padding, documents, firstQuery, dropout: dropoutOf(context) }
  const mixed = projected
    ? runProjected(kernel, problem, { ...others, qkv, gate: sums(gates), rotation: positions.packedRotation })
    : merge(run(kernel, problem, { ...others, ...split(qkv, gates, layer, context) }))
  return linear(mixed, `${at}.out`, context)
}

/** Queries, keys, values and running sums of gates by head, with those of the cache. */
function split(product: tf.Tensor2D, gates: tf.Tensor3D | undefined, layer: number, context: BlockContext) {
  const { config, cache, slots, firstQuery } = context
  const { numHeads: H, numKeyValueHeads: G, clipQkv } = config
  const { cacheRotated, rotation } = context.positions.layer(layer)
  const { queries, keys } = rotation()
  const clipped = clipQkv === null ? product : tf.clipByValue(product, -clipQkv, clipQkv)
  const [q, newKeys, values] = config.qkNorm ? normedHeads(clipped, layer, context) : heads(clipped, context)
  const fresh = { keys: cacheRotated ? keys(newKeys) : newKeys, values, gates }
  const all = slots?.extend(layer, fresh, firstQuery!) ?? cache?.extend(layer, fresh) ?? fresh
  // Kernels but that of slots take a head of keys for each of queries.
  const times = slots ? 1 : H / G
  return {
    q: queries(q),
    k: shared(cacheRotated ? all.keys : keys(all.keys), times),
    v: shared(all.values, times),
    gate: sums(all.gates),
  }
}

type Heads = [q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D]

/** The product of a projection by head, [N, (H + 2·G)·headDim] → [B, H, L, headDim] and two of [B, G, L, headDim]. */
function heads(product: tf.Tensor2D, context: BlockContext): Heads {
  const { numHeads: H, numKeyValueHeads: G } = context.config
  return tf.split(ofHeads(product, H + 2 * G, context), [H, G, G], 1) as Heads
}

/** The same with norms of queries and keys. */
function normedHeads(product: tf.Tensor2D, layer: number, context: BlockContext): Heads {
  const { numHeads: H, numKeyValueHeads: G, headDim, qkNorm } = context.config
  const [q, k, v] = tf.split<tf.Tensor2D>(product, [H * headDim, G * headDim, G * headDim], 1)
  const normed = (x: tf.Tensor2D, name: string, count: number) => {
    const rows: tf.Tensor2D = qkNorm === 'head' ? tf.reshape(x, [-1, headDim]) : x
    return ofHeads(normalize(rows, `layers.${layer}.attention.${name}`, context), count, context)
  }
  return [normed(q!, 'q_norm', H), normed(k!, 'k_norm', G), ofHeads(v!, G, context)]
}

/** [N, count·headDim], or as many rows of one head each, → [B, count, L, headDim] */
function ofHeads(x: tf.Tensor2D, count: number, { config, batchSize: B }: BlockContext): tf.Tensor4D {
  const { headDim } = config
  // One token is in place already: in decoding every operation counts.
  if (x.size === B * count * headDim) return tf.reshape(x, [B, count, 1, headDim])
  return tf.transpose(tf.reshape(x, [B, -1, count, headDim]), [0, 2, 1, 3])
}

/** Running sums along the keys; [B, H, K]. */
function sums(gates: tf.Tensor3D | undefined): tf.Tensor3D | undefined {
  if (!gates) return undefined
  const [B, H, K] = gates.shape
  return tf.reshape(runningSums(tf.reshape(gates, [B * H, K])), [B, H, K])
}

/** [B·L, H] → [B, H, L] */
const byHead = (gates: tf.Tensor2D | undefined, B: number): tf.Tensor3D | undefined =>
  gates && tf.transpose(tf.reshape(gates, [B, -1, gates.shape[1]]) as tf.Tensor3D, [0, 2, 1])

/** [B, H, L, headDim] → [B·L, H·headDim] */
function merge(x: tf.Tensor4D): tf.Tensor2D {
  const [B, H, L, headDim] = x.shape
  return tf.reshape(L === 1 ? x : tf.transpose(x, [0, 2, 1, 3]), [B * L, H * headDim])
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
