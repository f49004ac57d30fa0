import type * as tf from '@tensorflow/tfjs'
import type { WasmBackend } from './heap.js'

/**
 * TensorFlow.js's wasm identity copies. This one shares the memory, as its reshape does: no kernel writes to what it reads.
 *
 * @param original - for strings
 */
export const identity = (original: tf.KernelConfig): tf.KernelConfig => ({
  ...original,
  kernelFunc(args) {
    const { dataId, shape, dtype } = args.inputs.x as tf.TensorInfo
    if (dtype === 'string') return original.kernelFunc(args)
    ;(args.backend as unknown as WasmBackend).incRef(dataId)
    return { dataId, shape, dtype }
  },
})
