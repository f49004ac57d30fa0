import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'

const C = Math.sqrt(2 / Math.PI)

/**
 * GELU in the tanh form (Hendrycks & Gimpel, 2016), as in GPT-2, with its own gradient.
 *
 * @returns the shape of `x`
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  return customGrad(
    { x },
    ({ x }) => {
      const t = tf.tanh(tf.mul(x, tf.add(tf.mul(tf.square(x), C * 0.044715), C)))
      return { value: tf.mul<T>(tf.mul(x, 0.5), tf.add(t, 1)), saved: { x, t } }
    },
    (dy, { x, t }) => {
      const slope = tf.add(tf.mul(tf.square(x), 3 * C * 0.044715), C)
      const inner = tf.mul(tf.mul(x, slope), tf.sub(1, tf.square(t)))
      return { x: tf.mul(dy, tf.mul(tf.add(tf.add(t, 1), inner), 0.5)) }
    },
  )
}

/**
 * GELU as it is defined, x·Φ(x) (Hendrycks & Gimpel, 2016), with its own gradient.
 *
 * @returns the shape of `x`
 */
export function geluExact<T extends tf.Tensor>(x: T): T {
  return customGrad(
    { x },
    ({ x }) => {
      const probability = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5)
      return { value: tf.mul<T>(x, probability), saved: { x, probability } }
    },
    (dy, { x, probability }) => {
      const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
      return { x: tf.mul(dy, tf.add(probability, tf.mul(x, density))) }
    },
  )
}
