// What passes without gradients compute in one operation of our own each, on processors. Where gradients are wanted the plain ones
// stay, as XLA fuses them. Letters: N rows, D modelDim.
import * as tf from '@tensorflow/tfjs'
import { gelu } from '../plain/gelu.js'
import { layerNorm } from '../plain/layer-norm.js'
import { linear } from '../plain/linear.js'
import { rmsNorm } from '../plain/rms-norm.js'
import { hasOperations, tensorflowOp } from './tensorflow-op.js'

/**
 * Rows up to which reading the weights bounds a product: TensorFlow's own reads them at 10 GB/s for one row, a loop of ours as fast
 * as the memory gives them.
 */
const FEW_ROWS = 2

const isPlain = () => tf.engine().state.gradientDepth > 0 || !hasOperations()

const operation = <T extends tf.Tensor>(name: string, inputs: readonly tf.Tensor[]) =>
  tensorflowOp(name, {}, inputs)[0] as T

const nothing = () => tf.tensor1d([], 'float32')

/** GELU; see the plain one. */
export const nativeGelu = <T extends tf.Tensor>(x: T): T => (isPlain() ? gelu(x) : operation<T>('AlibiGelu', [x]))

/** Layer normalisation; see the plain one. */
export function nativeLayerNorm(x: tf.Tensor2D, scale: tf.Tensor, shift: tf.Tensor, epsilon: number): tf.Tensor2D {
  if (isPlain()) return layerNorm(x, scale, shift, epsilon)
  return operation('AlibiNormalize', [x, scale, shift, tf.tensor1d([epsilon])])
}

/** RMS normalisation; see the plain one. */
export function nativeRmsNorm(x: tf.Tensor2D, scale: tf.Tensor, epsilon: number): tf.Tensor2D {
  if (isPlain()) return rmsNorm(x, scale, epsilon)
  return operation('AlibiNormalize', [x, scale, nothing(), tf.tensor1d([epsilon])])
}

/** A product with weights; see the plain one. */
export function nativeLinear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor | undefined): tf.Tensor2D {
  if (isPlain() || x.shape[0] > FEW_ROWS) return linear(x, weight, bias)
  return operation('AlibiMultiplyRows', [x, weight, bias ?? nothing()])
}
