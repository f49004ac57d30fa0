// Letters: N rows, D modelDim.
import * as tf from '@tensorflow/tfjs'
import type { Activation, ResolvedModelConfig } from '../config.js'
import type { Kernels } from '../kernels/kernels.js'

/** The arrays of a model and its choices: what the parts of a forward pass are made from. */
export interface Layers {
  readonly config: ResolvedModelConfig
  readonly parameters: ReadonlyMap<string, tf.Variable>
  /** What the pass computes with. */
  readonly kernels: Kernels
  /** A fresh seed, int32 [2], for each dropout of the pass; absent outside training. */
  readonly nextSeed?: (() => tf.Tensor1D) | undefined
}

/** Dropout at a rate, in training. */
export const drop = <T extends tf.Tensor>(x: T, rate: number, { nextSeed, kernels }: Layers): T =>
  nextSeed && rate ? tf.mul(x, kernels.keepMask(x.shape, rate, nextSeed())) : x

/** x·weight + bias of the projection of that name; [N, from] → [N, to]. */
export const linear = (x: tf.Tensor2D, name: string, { parameters, kernels }: Layers): tf.Tensor2D =>
  kernels.linear(x, parameters.get(`${name}.weight`) as tf.Variable<tf.Rank.R2>, parameters.get(`${name}.bias`))

/** The model's norm of each row of x; [N, D], or [N, width] for a norm of another width. */
export function normalize(x: tf.Tensor2D, name: string, { config, parameters, kernels }: Layers): tf.Tensor2D {
  const scale = parameters.get(`${name}.scale`)!
  if (config.norm === 'rms') return kernels.rmsNorm(x, scale, config.normEpsilon)
  return kernels.layerNorm(x, scale, parameters.get(`${name}.shift`) ?? tf.zerosLike(scale), config.normEpsilon)
}

function activate(x: tf.Tensor2D, { config, kernels }: Layers): tf.Tensor2D {
  const activations: Record<Activation, (x: tf.Tensor2D) => tf.Tensor2D> = {
    gelu: kernels.gelu,
    'gelu-exact': kernels.geluExact,
    relu: tf.relu,
    silu: (x) => tf.mul(x, tf.sigmoid(x)),
  }
  return activations[config.activation](x)
}

/** The feed-forward part of a block; x and the result are [N, D]. */
export function mlp(x: tf.Tensor2D, name: string, layers: Layers): tf.Tensor2D {
  const { gatedMlp, activationDropout } = layers.config
  const hidden = linear(x, `${name}.in`, layers)
  const active = gatedMlp
    ? tf.mul<tf.Tensor2D>(activate(linear(x, `${name}.gate`, layers), layers), hidden)
    : activate(hidden, layers)
  return linear(drop(active, activationDropout, layers), `${name}.out`, layers)
}
