// Letters: N rows.
import * as tf from '@tensorflow/tfjs'

/**
 * x·weight + bias as a two-dimensional product: batched products are slower everywhere.
 *
 * @param x - shape [N, from]
 * @param weight - shape [from, to]
 * @param bias - shape [to]; undefined: none
 * @returns shape [N, to]
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor | undefined): tf.Tensor2D {
  const product = tf.matMul<tf.Tensor2D>(x, weight)
  return bias ? tf.add<tf.Tensor2D>(product, bias) : product
}
