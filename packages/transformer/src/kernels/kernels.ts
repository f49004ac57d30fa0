import * as tf from '@tensorflow/tfjs'
import { general } from './attention/general/general.js'
import type { AttentionKernel } from './attention/kernel.js'
import { skipping } from './attention/skipping/long-attention.js'
import { tiled } from './attention/tiled/tiled.js'
import { windowed } from './attention/windowed.js'
import { crossEntropy } from './plain/cross-entropy.js'
import { keepMask } from './plain/dropout.js'
import { gelu, geluExact } from './plain/gelu.js'
import { layerNorm } from './plain/layer-norm.js'
import { linear } from './plain/linear.js'
import { adamw, nesterov } from './plain/optimizers.js'
import { rmsNorm } from './plain/rms-norm.js'
import { applyRotation } from './plain/rotate.js'
import { sumOfSquares } from './plain/sum-of-squares.js'
import { nativeAdamw } from './tensorflow/adamw.js'
import { native } from './tensorflow/attention.js'
import { sparseCrossEntropy } from './tensorflow/cross-entropy.js'
import { statelessKeepMask } from './tensorflow/dropout.js'
import { nativeGelu, nativeLayerNorm, nativeLinear, nativeRmsNorm } from './tensorflow/rows.js'
import { fusedAdamw } from './webgpu/adamw.js'
import { fused } from './webgpu/attention/fused.js'
import { fusedCrossEntropy } from './webgpu/cross-entropy.js'
import { fusedGelu } from './webgpu/gelu.js'
import { fusedLayerNorm } from './webgpu/layer-norm.js'
import { fusedLinear } from './webgpu/linear.js'
import { fusedSumOfSquares } from './webgpu/sum-of-squares.js'

/** Our kernels of attention, from the most particular to the one that takes almost everything. */
export const attentionKernels: readonly AttentionKernel[] = Object.freeze([
  ...[fused, native, skipping],
  ...[windowed, tiled, general],
])

/** In TensorFlow.js's operations, on any backend: what the others are compared with. */
const plain = {
  linear,
  layerNorm,
  rmsNorm,
  gelu,
  geluExact,
  crossEntropy,
  keepMask,
  applyRotation,
  sumOfSquares,
  adamw,
  nesterov,
  attention: attentionKernels,
}

/** What a model computes with on one backend. */
export type Kernels = Readonly<typeof plain> & {
  /** TensorFlow.js's name of the backend. */
  readonly backend: string
}

const special: Readonly<Record<string, Partial<typeof plain>>> = {
  tensorflow: {
    linear: nativeLinear,
    layerNorm: nativeLayerNorm,
    rmsNorm: nativeRmsNorm,
    gelu: nativeGelu,
    adamw: nativeAdamw,
    crossEntropy: sparseCrossEntropy,
    keepMask: statelessKeepMask,
  },
  webgpu: {
    linear: fusedLinear,
    layerNorm: fusedLayerNorm,
    gelu: fusedGelu,
    crossEntropy: fusedCrossEntropy,
    sumOfSquares: fusedSumOfSquares,
    adamw: fusedAdamw,
  },
}

/** The kernels of the backend that is selected now: asked once for each pass, as a process may select another one. */
export function currentKernels(): Kernels {
  const backend = tf.getBackend()
  return { ...plain, ...special[backend], backend }
}
