import * as tf from '@tensorflow/tfjs'
import { type NodeBackend, typeAttribute } from './compile/node-backend.js'
import { replaceKernel } from './replace-kernel.js'

/**
 * tfjs-node's GatherV2 reads every index back to the host to check it: a stall on a GPU, and a read that a graph cannot
 * have. TensorFlow checks indices itself on the CPU; on a GPU rows out of range are zero.
 */
export const replaceGather = (): void => replaceKernel('GatherV2', 'tensorflow', gather)

const gather: tf.KernelFunc = ({ inputs, backend, attrs }) => {
  const { x, indices } = inputs as Record<'x' | 'indices', tf.TensorInfo>
  const { axis, batchDims } = attrs as unknown as { axis: number; batchDims: number }
  const node = backend as unknown as NodeBackend
  return tf.tidy(() =>
    node.executeSingleOutput(
      'GatherV2',
      [
        { name: 'batch_dims', type: node.binding.TF_ATTR_INT, value: batchDims },
        typeAttribute(node, 'Tparams', x.dtype),
        typeAttribute(node, 'Tindices', indices.dtype),
        typeAttribute(node, 'Taxis', 'int32'),
      ],
      [x, indices, tf.scalar(axis, 'int32')],
    ),
  )
}
