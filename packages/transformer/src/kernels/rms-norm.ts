// Letters: N rows, D modelDim.
import * as tf from '@tensorflow/tfjs'

/**
 * RMS normalisation, x/√(mean(x²) + epsilon)·scale (Zhang & Sennrich, 2019), with its own gradient.
 *
 * @param x - shape [N, D]
 * @param scale - shape [D]
 * @param epsilon - added to the mean square
 * @returns shape [N, D]
 */
export function rmsNorm(x: tf.Tensor2D, scale: tf.Tensor, epsilon: number): tf.Tensor2D {
  const forward = tf.customGrad((x, scale, save) => {
    const input = x as tf.Tensor2D
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(input), 1, true), epsilon))
    const normal = tf.mul(input, inverse)
    ;(save as tf.GradSaveFunc)([normal, inverse, scale as tf.Tensor])
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [normal, inverse, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
      const d = tf.mul(dy, scale)
      const along = tf.mul(normal, tf.mean(tf.mul(d, normal), 1, true))
      return [tf.mul(inverse, tf.sub(d, along)), tf.sum(tf.mul(dy, normal), 0)]
    }
    return { value: tf.mul(normal, scale as tf.Tensor), gradFunc }
  })
  return forward(x, scale) as tf.Tensor2D
}
