import * as tf from '@tensorflow/tfjs'

/** Uniform in [0, 1), a function of the seed; int32 [2]. */
type Uniform = (shape: readonly number[], seed: tf.Tensor1D) => tf.Tensor

/**
 * What dropout multiplies by (Srivastava et al., 2014): 1 / (1 − rate) for what is kept, 0 for the rest. A function of the
 * seed alone, so that a backward pass that computes activations again drops the same ones.
 *
 * @param seed - int32 [2]
 * @returns shape `shape`
 */
export const keepMask = keepMaskOf((shape, seed) => {
  const [a, b] = seed.dataSync()
  return tf.randomUniform([...shape], 0, 1, 'float32', a! * 1_000_003 + b!)
})

export function keepMaskOf(uniform: Uniform) {
  return (shape: readonly number[], rate: number, seed: tf.Tensor1D): tf.Tensor =>
    tf.div(tf.cast(tf.greaterEqual(uniform(shape, seed), rate), 'float32'), 1 - rate)
}
