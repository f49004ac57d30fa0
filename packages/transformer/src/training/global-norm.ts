import * as tf from '@tensorflow/tfjs'
import { sumOfSquares } from '../kernels/webgpu/sum-of-squares.js'

/**
 * ‖x‖ of a vector of up to hundreds of millions of numbers, right to 1e-6 on every backend: TensorFlow adds in a tree, cpu in
 * float64, wasm in float64 where `@alibi/backend` loaded it, and webgpu with a kernel of parts, as its own would add
 * hundreds of thousands of terms in a row.
 */
export const globalNorm = (x: tf.Tensor1D): tf.Tensor =>
  tf.sqrt(tf.getBackend() === 'webgpu' ? sumOfSquares(x) : tf.sum(tf.square(x)))
