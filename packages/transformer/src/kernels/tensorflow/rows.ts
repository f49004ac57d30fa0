// What passes compute row by row, in one operation of our own each, on processors. Letters: N rows, D modelDim.
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'
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

const wantsGradients = () => tf.engine().state.gradientDepth > 0

const operation = <T extends tf.Tensor>(name: string, inputs: readonly tf.Tensor[]) =>
  tensorflowOp(name, {}, inputs)[0] as T

const nothing = () => tf.tensor1d([], 'float32')

/** GELU; see the plain one. */
export function nativeGelu<T extends tf.Tensor>(x: T): T {
  if (!hasOperations()) return gelu(x)
  return customGrad(
    { x },
    ({ x }) => ({ value: operation<T>('AlibiGelu', [x]), saved: { x } }),
    (dy, { x }) => ({ x: operation('AlibiGeluGradient', [x, dy]) }),
  )
}

/** Layer normalisation; see the plain one. */
export function nativeLayerNorm(x: tf.Tensor2D, scale: tf.Tensor, shift: tf.Tensor, epsilon: number): tf.Tensor2D {
  if (!hasOperations()) return layerNorm(x, scale, shift, epsilon)
  return customGrad(
    { x, scale, shift },
    ({ x, scale, shift }) => ({
      value: operation<tf.Tensor2D>('AlibiNormalize', [x, scale, shift, tf.tensor1d([epsilon])]),
      saved: { x, scale },
    }),
    (dy, { x, scale }) => {
      const [dx, dParameters] = normGradient('AlibiLayerNormGradient', { x, scale, epsilon, dy })
      const [dScale, dShift] = tf.unstack(dParameters)
      return { x: dx, scale: dScale!, shift: dShift! }
    },
  )
}

/** RMS normalisation; see the plain one. */
export function nativeRmsNorm(x: tf.Tensor2D, scale: tf.Tensor, epsilon: number): tf.Tensor2D {
  if (!hasOperations()) return rmsNorm(x, scale, epsilon)
  return customGrad(
    { x, scale },
    ({ x, scale }) => ({
      value: operation<tf.Tensor2D>('AlibiNormalize', [x, scale, nothing(), tf.tensor1d([epsilon])]),
      saved: { x, scale },
    }),
    (dy, { x, scale }) => {
      const [dx, dScale] = normGradient('AlibiRmsNormGradient', { x, scale, epsilon, dy })
      return { x: dx, scale: tf.reshape(dScale, scale.shape) }
    },
  )
}

interface GivenNorm {
  readonly x: tf.Tensor
  readonly scale: tf.Tensor
  readonly epsilon: number
  readonly dy: tf.Tensor
}

const normGradient = (name: string, { x, scale, epsilon, dy }: GivenNorm) =>
  tensorflowOp(name, {}, [x, scale, tf.tensor1d([epsilon]), dy], 2) as [tf.Tensor, tf.Tensor]

/** A product with weights; see the plain one. Of few rows in one operation; gradients of the bias in one. */
export function nativeLinear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor | undefined): tf.Tensor2D {
  if (!hasOperations()) return linear(x, weight, bias)
  if (!wantsGradients() && x.shape[0] <= FEW_ROWS) return operation('AlibiMultiplyRows', [x, weight, bias ?? nothing()])
  const product = tf.matMul<tf.Tensor2D>(x, weight)
  return bias ? addToRows(product, bias) : product
}

const addToRows = (x: tf.Tensor2D, bias: tf.Tensor): tf.Tensor2D =>
  customGrad(
    { x, bias },
    ({ x, bias }) => ({ value: tf.add<tf.Tensor2D>(x, bias), saved: {} }),
    (dy) => ({ x: tf.clone(dy), bias: operation('AlibiSumRows', [dy]) }),
  )
