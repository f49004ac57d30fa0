// Letters: N rows, D modelDim.
import * as tf from '@tensorflow/tfjs'

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
  const forward = tf.customGrad((x, scale, shift, save) => {
    const input = x as tf.Tensor2D
    const centered = tf.sub(input, tf.mean(input, 1, true))
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centered), 1, true), epsilon))
    const normal = tf.mul(centered, inverse)
    ;(save as tf.GradSaveFunc)([normal, inverse, scale as tf.Tensor])
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [normal, inverse, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
      const d = tf.mul(dy, scale)
      const along = tf.mul(normal, tf.mean(tf.mul(d, normal), 1, true))
      const dx = tf.mul(inverse, tf.sub(tf.sub(d, tf.mean(d, 1, true)), along))
      return [dx, tf.sum(tf.mul(dy, normal), 0), tf.sum(dy, 0)]
    }
    return { value: tf.add(tf.mul(normal, scale as tf.Tensor), shift as tf.Tensor), gradFunc }
  })
  return forward(x, scale, shift) as tf.Tensor2D
}
