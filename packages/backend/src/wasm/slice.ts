import * as tf from '@tensorflow/tfjs'
import type { WasmBackend } from './heap.js'

/**
 * TensorFlow.js's wasm slice copies the whole input before it takes a part of it. This one copies the part.
 *
 * @param original - for strings
 */
export function slice(original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc(args) {
      const x = args.inputs.x as tf.Tensor
      if (x.dtype === 'string') return original.kernelFunc(args)
      const { begin, size } = args.attrs as unknown as Record<'begin' | 'size', number[]>
      const [from, shape] = tf.slice_util.parseSliceParams(x, begin, size)
      return part(args.backend as unknown as WasmBackend, x, from!, shape!)
    },
  }
}

/**
 * Its split does so for each part: 51 parameters out of one vector cost 51 copies of the vector.
 *
 * @param original - for strings
 */
export function splitV(original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc(args) {
      const x = args.inputs.x as tf.Tensor
      if (x.dtype === 'string') return original.kernelFunc(args)
      const attrs = args.attrs as unknown as { numOrSizeSplits: number | number[]; axis: number }
      const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!
      let start = 0
      return tf.backend_util.prepareSplitSize(x, attrs.numOrSizeSplits, axis).map((length) => {
        const begin = x.shape.map((_, i) => (i === axis ? start : 0))
        start += length
        return part(args.backend as unknown as WasmBackend, x, begin, x.shape.with(axis, length))
      })
    },
  }
}

/** Copies the block of `shape` at `begin`, in runs as long as lie together in memory. */
function part(backend: WasmBackend, x: tf.TensorInfo, begin: readonly number[], shape: number[]): tf.TensorInfo {
  const out = backend.makeOutput(shape, x.dtype)
  // The heap may have moved by allocating: take the views after it.
  const [from, to] = [x, out].map((info) => backend.typedArrayFromHeap(info)) as [tf.TypedArray, tf.TypedArray]
  const strides = [...tf.util.computeStrides(x.shape), 1]
  let inner = shape.length
  while (inner > 0 && shape[inner - 1] === x.shape[inner - 1]) inner--
  // Dimensions before `axis` are stepped through; from it on a run lies together.
  const axis = Math.max(0, inner - 1)
  const run = tf.util.sizeFromShape(shape.slice(axis))
  const offset = begin.reduce((sum, at, i) => sum + at * strides[i]!, 0)
  const index = new Array<number>(axis).fill(0)
  for (let written = 0; written < to.length; written += run) {
    const at = offset + index.reduce((sum, i, dimension) => sum + i * strides[dimension]!, 0)
    to.set(from.subarray(at, at + run), written)
    for (let dimension = axis - 1; dimension >= 0 && ++index[dimension]! === shape[dimension]!; dimension--)
      index[dimension] = 0
  }
  return out
}
