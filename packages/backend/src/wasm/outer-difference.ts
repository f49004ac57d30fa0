// Letters: R rows, C columns.
import type * as tf from '@tensorflow/tfjs'
import type { WasmBackend } from './heap.js'

/**
 * A column [R, 1] less a row [1, C], as distances of positions are made: TensorFlow.js's wasm kernel takes 0.1 µs a number for it.
 *
 * @param original - for everything else
 */
export const outerDifference = (original: tf.KernelConfig): tf.KernelConfig => ({
  ...original,
  kernelFunc(args) {
    const { a, b } = args.inputs as Record<'a' | 'b', tf.TensorInfo>
    const [R = 0, one] = a.shape
    const [oneRow, C = 0] = b.shape
    const isOuter = a.shape.length === 2 && b.shape.length === 2 && one === 1 && oneRow === 1
    const isNumbers = a.dtype === b.dtype && (a.dtype === 'float32' || a.dtype === 'int32')
    if (!isOuter || !isNumbers) return original.kernelFunc(args)
    const backend = args.backend as unknown as WasmBackend
    const out = backend.makeOutput([R, C], a.dtype)
    // The heap may have moved by allocating: take the views after it.
    const [column, row, to] = [a, b, out].map((info) => backend.typedArrayFromHeap(info)) as tf.TypedArray[]
    for (let r = 0, at = 0; r < R; r++) for (let c = 0; c < C; c++) to![at++] = column![r]! - row![c]!
    return out
  },
})
