import * as tf from '@tensorflow/tfjs'
import { type NodeBackend, typeAttribute } from './compile/node-backend.js'

/**
 * tfjs-node's GatherV2 reads every index back to the host to check it: a stall on a GPU, and a read that a graph cannot
 * have. TensorFlow checks indices itself on the CPU; on a GPU rows out of range are zero.
 */
export function replaceGather(): void {
  tf.unregisterKernel('GatherV2', 'tensorflow')
  tf.registerKernel({
    kernelName: 'GatherV2',
    backendName: 'tensorflow',
    kernelFunc({ inputs, backend, attrs }) {
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
    },
  })
}
