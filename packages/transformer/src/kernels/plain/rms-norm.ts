// Letters: N rows, D modelDim.
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'

/**
 * RMS normalisation, x/√(mean(x²) + epsilon)·scale (Zhang & Sennrich, 2019), with its own gradient.
 *
 * @param x - shape [N, D]
 * @param scale - shape [D]
 * @param epsilon - added to the mean square
 * @returns shape [N, D]
 */
export function rmsNorm(x: tf.Tensor2D, scale: tf.Tensor, epsilon: number): tf.Tensor2D {
  return customGrad(
    { x, scale },
    ({ x, scale }) => {
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), epsilon))
      const normal = tf.mul(x, inverse)
      return { value: tf.mul<tf.Tensor2D>(normal, scale), saved: { normal, inverse, scale } }
    },
    (dy, { normal, inverse, scale }) => {
      const d = tf.mul(dy, scale)
      const along = tf.mul(normal, tf.mean(tf.mul(d, normal), 1, true))
      return { x: tf.mul(inverse, tf.sub(d, along)), scale: tf.sum(tf.mul(dy, normal), 0) }
    },
  )
}
