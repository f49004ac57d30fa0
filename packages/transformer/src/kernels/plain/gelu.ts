import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'

const C = Math.sqrt(2 / Math.PI)

/**
 * GELU in the tanh form (Hendrycks & Gimpel, 2016), as in GPT-2, with its own gradient.
 *
 * @returns the shape of `x`
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  const forward = customGrad(([x], save) => {
    const t = tf.tanh(tf.mul(x!, tf.add(tf.mul(tf.square(x!), C * 0.044715), C)))
    save([x!, t])
    return {
      value: tf.mul(tf.mul(x!, 0.5), tf.add(t, 1)),
      gradient(dy, [x, t]) {
        const slope = tf.add(tf.mul(tf.square(x!), 3 * C * 0.044715), C)
        const inner = tf.mul(tf.mul(x!, slope), tf.sub(1, tf.square(t!)))
        return [tf.mul(dy, tf.mul(tf.add(tf.add(t!, 1), inner), 0.5))]
      },
    }
  })
  return forward(x) as T
}

/**
 * GELU as it is defined, x·Φ(x) (Hendrycks & Gimpel, 2016), with its own gradient.
 *
 * @returns the shape of `x`
 */
export function geluExact<T extends tf.Tensor>(x: T): T {
  const forward = customGrad(([x], save) => {
    const probability = tf.mul(tf.add(tf.erf(tf.mul(x!, Math.SQRT1_2)), 1), 0.5)
    save([x!, probability])
    return {
      value: tf.mul(x!, probability),
      gradient(dy, [x, probability]) {
        const density = tf.mul(tf.exp(tf.mul(tf.square(x!), -0.5)), 1 / Math.sqrt(2 * Math.PI))
        return [tf.mul(dy, tf.add(probability!, tf.mul(x!, density)))]
      },
    }
  })
  return forward(x) as T
}
