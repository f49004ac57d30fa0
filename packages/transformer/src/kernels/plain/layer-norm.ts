// Letters: N rows, D modelDim.
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'

/**
 * Layer normalisation (Ba et al., 2016) with its own gradient: a third of the operations that the composed form puts
 * on the tape.
 *
 * @param x - shape [N, D]
 * @param scale - shape [D]
 * @param shift - shape [D]
 * @param epsilon - added to the variance
 * @returns shape [N, D]
 */
export function layerNorm(x: tf.Tensor2D, scale: tf.Tensor, shift: tf.Tensor, epsilon: number): tf.Tensor2D {
  return customGrad(
    { x, scale, shift },
    ({ x, scale, shift }) => {
      const centered = tf.sub(x, tf.mean(x, 1, true))
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centered), 1, true), epsilon))
      const normal = tf.mul(centered, inverse)
      return { value: tf.add<tf.Tensor2D>(tf.mul(normal, scale), shift), saved: { normal, inverse, scale } }
    },
    (dy, { normal, inverse, scale }) => {
      const d = tf.mul(dy, scale)
      const along = tf.mul(normal, tf.mean(tf.mul(d, normal), 1, true))
      return {
        x: tf.mul(inverse, tf.sub(tf.sub(d, tf.mean(d, 1, true)), along)),
        scale: tf.sum(tf.mul(dy, normal), 0),
        shift: tf.sum(dy, 0),
      }
    },
  )
}
