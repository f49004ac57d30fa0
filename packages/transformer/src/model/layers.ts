// Letters: N rows, D modelDim.
import * as tf from '@tensorflow/tfjs'
import type { Activation, ResolvedModelConfig } from '../config.js'
import { keepMask } from '../kernels/plain/dropout.js'
import { gelu, geluExact } from '../kernels/plain/gelu.js'
import { layerNorm } from '../kernels/plain/layer-norm.js'
import { rmsNorm } from '../kernels/plain/rms-norm.js'
import { fusedLinear } from '../kernels/webgpu/linear.js'

/** The arrays of a model and its choices: what the parts of a forward pass are made from. */
export interface Layers {
  readonly config: ResolvedModelConfig
  readonly parameters: ReadonlyMap<string, tf.Variable>
  /** A fresh seed, int32 [2], for each dropout of the pass; absent outside training. */
  readonly nextSeed?: (() => tf.Tensor1D) | undefined
}

/** Dropout at a rate, in training. */
export const drop = <T extends tf.Tensor>(x: T, rate: number, { nextSeed }: Pick<Layers, 'nextSeed'>): T =>
  nextSeed && rate ? tf.mul(x, keepMask(x.shape, rate, nextSeed())) : x

/** x·weight + bias as a two-dimensional product: batched products are slower everywhere. */
export function linear(x: tf.Tensor2D, name: string, { parameters }: Layers): tf.Tensor2D {
  const weight = parameters.get(`${name}.weight`) as tf.Variable<tf.Rank.R2>
  const bias = parameters.get(`${name}.bias`)
  if (bias && tf.getBackend() === 'webgpu') return fusedLinear(x, weight, bias)
  const product = tf.matMul<tf.Tensor2D>(x, weight)
  return bias ? (tf.add(product, bias) as tf.Tensor2D) : product
}

/** The model's norm of each row of x; [N, D]. */
export function normalize(x: tf.Tensor2D, name: string, { config, parameters }: Layers): tf.Tensor2D {
  const scale = parameters.get(`${name}.scale`)!
  if (config.norm === 'rms') return rmsNorm(x, scale, config.normEpsilon)
  return layerNorm(x, scale, parameters.get(`${name}.shift`) ?? tf.zerosLike(scale), config.normEpsilon)
}

const activations: Record<Activation, (x: tf.Tensor2D) => tf.Tensor2D> = {
  gelu,
  'gelu-exact': geluExact,
  relu: tf.relu,
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
}

/** The feed-forward part of a block; x and the result are [N, D]. */
export function mlp(x: tf.Tensor2D, name: string, layers: Layers): tf.Tensor2D {
  const { activation, gatedMlp, activationDropout } = layers.config
  const hidden = linear(x, `${name}.in`, layers)
  const active = gatedMlp
    ? tf.mul<tf.Tensor2D>(activations[activation](linear(x, `${name}.gate`, layers)), hidden)
    : activations[activation](hidden)
  return linear(drop(active, activationDropout, layers), `${name}.out`, layers)
}
