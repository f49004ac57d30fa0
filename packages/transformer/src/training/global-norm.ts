import * as tf from '@tensorflow/tfjs'
import { currentKernels } from '../kernels/kernels.js'

/** ‖x‖ of a vector of up to hundreds of millions of numbers, right to 1e-6 on every backend. */
export const globalNorm = (x: tf.Tensor1D): tf.Tensor => tf.sqrt(currentKernels().sumOfSquares(x))
