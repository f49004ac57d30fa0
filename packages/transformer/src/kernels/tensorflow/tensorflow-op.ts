import * as tf from '@tensorflow/tfjs'

/** tfjs-node's door to any TensorFlow op. */
interface NodeBackend {
  readonly binding: {
    readonly TF_ATTR_TYPE: number
    readonly TF_ATTR_INT: number
    readonly TF_FLOAT: number
    readonly TF_INT32: number
  }
  /** Whether `@alibi/backend` registered its own operations. */
  readonly operations?: true
  executeMultipleOutputs(
    name: string,
    attributes: readonly object[],
    inputs: readonly tf.Tensor[],
    numOutputs: number,
  ): tf.Tensor[]
}

const nodeBackend = () => tf.backend() as unknown as NodeBackend

/** Whether the backend has the operations of `@alibi/backend`, whose names begin with Alibi: on a processor. */
export const hasOperations = (): boolean => nodeBackend().operations === true

/**
 * An op of TensorFlow that TensorFlow.js has no name for; without a gradient, and on the backend of tfjs-node only.
 *
 * @param attributes - the op's: types, and integers
 */
export function tensorflowOp(
  name: string,
  attributes: Readonly<Record<string, 'float32' | 'int32' | number>>,
  inputs: readonly tf.Tensor[],
  numOutputs = 1,
): tf.Tensor[] {
  const { TF_ATTR_TYPE, TF_ATTR_INT, TF_FLOAT, TF_INT32 } = nodeBackend().binding
  const given = Object.entries(attributes).map(([attribute, value]) => {
    if (typeof value === 'number') return { name: attribute, type: TF_ATTR_INT, value }
    return { name: attribute, type: TF_ATTR_TYPE, value: value === 'int32' ? TF_INT32 : TF_FLOAT }
  })
  return nodeBackend().executeMultipleOutputs(name, given, inputs, numOutputs)
}
