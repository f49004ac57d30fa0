import * as tf from '@tensorflow/tfjs'
import type { WasmBackend } from './heap.js'

/**
 * TensorFlow.js's wasm gather copies number by number. This one copies the rows of a table as wholes.
 *
 * @param original - for other axes, several tables and strings
 */
export const gather = (original: tf.KernelConfig): tf.KernelConfig => ({
  ...original,
  kernelFunc(args) {
    const { x, indices } = args.inputs as Record<'x' | 'indices', tf.TensorInfo>
    const { axis, batchDims } = args.attrs as unknown as Record<'axis' | 'batchDims', number>
    const [rows = 0, ...rowShape] = x.shape
    if (axis !== 0 || batchDims !== 0 || x.dtype === 'string' || indices.dtype !== 'int32')
      return original.kernelFunc(args)
    const backend = args.backend as unknown as WasmBackend
    const missing = backend.typedArrayFromHeap(indices).find((row) => !(row >= 0 && row < rows))
    if (missing !== undefined) throw new Error(`gather: expected indices from 0 to ${rows - 1}, got ${missing}`)
    const out = backend.makeOutput([...indices.shape, ...rowShape], x.dtype)
    // The heap may have moved by allocating: take the views after it.
    const [table, places, to] = [x, indices, out].map((info) => backend.typedArrayFromHeap(info)) as tf.TypedArray[]
    const width = tf.util.sizeFromShape(rowShape)
    places!.forEach((row, i) => {
      to!.set(table!.subarray(row * width, (row + 1) * width), i * width)
    })
    return out
  },
})
