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
  const forward = customGrad(([x, scale], save) => {
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x!), 1, true), epsilon))
    const normal = tf.mul(x!, inverse)
    save([normal, inverse, scale!])
    return {
      value: tf.mul(normal, scale!),
      gradient(dy, [normal, inverse, scale]) {
        const d = tf.mul(dy, scale!)
        const along = tf.mul(normal!, tf.mean(tf.mul(d, normal!), 1, true))
        return [tf.mul(inverse!, tf.sub(d, along)), tf.sum(tf.mul(dy, normal!), 0)]
      },
    }
  })
  return forward(x, scale) as tf.Tensor2D
}
