import * as tf from '@tensorflow/tfjs'
import { onTensorflow, tensorflowOp } from '../tensorflow/tensorflow-op.js'

/**
 * What dropout multiplies by (Srivastava et al., 2014): 1 / (1 − rate) for what is kept, 0 for the rest. A function of the
 * seed alone, so that a backward pass that computes activations again drops the same ones.
 *
 * @param seed - int32 [2]
 * @returns shape `shape`
 */
export function keepMask(shape: readonly number[], rate: number, seed: tf.Tensor1D): tf.Tensor {
  return tf.div(tf.cast(tf.greaterEqual(uniform(shape, seed), rate), 'float32'), 1 - rate)
}

/** Uniform in [0, 1); on TensorFlow an op of its seed, which a compiled step may be fed. */
function uniform(shape: readonly number[], seed: tf.Tensor1D): tf.Tensor {
  if (!onTensorflow()) {
    const [a, b] = seed.dataSync()
    return tf.randomUniform([...shape], 0, 1, 'float32', a! * 1_000_003 + b!)
  }
  const types = { dtype: 'float32', T: 'int32', Tseed: 'int32' } as const
  return tensorflowOp('StatelessRandomUniform', types, [tf.tensor1d([...shape], 'int32'), seed])[0]!
}
