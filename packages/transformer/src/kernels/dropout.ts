import * as tf from '@tensorflow/tfjs'

/** tfjs-node's door to any TensorFlow op. */
interface NodeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number; readonly TF_INT32: number }
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly tf.Tensor[]): tf.Tensor
}

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
  if (tf.getBackend() !== 'tensorflow') {
    const [a, b] = seed.dataSync()
    return tf.randomUniform([...shape], 0, 1, 'float32', a! * 1_000_003 + b!)
  }
  const backend = tf.backend() as unknown as NodeBackend
  const { TF_ATTR_TYPE: type, TF_FLOAT, TF_INT32 } = backend.binding
  const attributes = [
    { name: 'dtype', type, value: TF_FLOAT },
    { name: 'T', type, value: TF_INT32 },
    { name: 'Tseed', type, value: TF_INT32 },
  ]
  return backend.executeSingleOutput('StatelessRandomUniform', attributes, [tf.tensor1d([...shape], 'int32'), seed])
}
