import * as tf from '@tensorflow/tfjs'

/** tfjs-node's door to any TensorFlow op. */
interface NodeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number; readonly TF_INT32: number }
  executeMultipleOutputs(
    name: string,
    attributes: readonly object[],
    inputs: readonly tf.Tensor[],
    numOutputs: number,
  ): tf.Tensor[]
}

/**
 * An op of TensorFlow that TensorFlow.js has no name for; without a gradient, and on the backend of tfjs-node only.
 *
 * @param types - the op's attributes that are types
 */
export function tensorflowOp(
  name: string,
  types: Readonly<Record<string, 'float32' | 'int32'>>,
  inputs: readonly tf.Tensor[],
  numOutputs = 1,
): tf.Tensor[] {
  const backend = tf.backend() as unknown as NodeBackend
  const { TF_ATTR_TYPE: type, TF_FLOAT, TF_INT32 } = backend.binding
  const attributes = Object.entries(types).map(([attribute, dtype]) => {
    return { name: attribute, type, value: dtype === 'int32' ? TF_INT32 : TF_FLOAT }
  })
  return backend.executeMultipleOutputs(name, attributes, inputs, numOutputs)
}
