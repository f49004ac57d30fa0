import * as tf from '@tensorflow/tfjs'
import type { WasmBackend } from './heap.js'

/**
 * TensorFlow.js's wasm tile copies number by number. This one repeats blocks, from the last dimension to the first.
 *
 * @param original - for strings
 */
export const tile = (original: tf.KernelConfig): tf.KernelConfig => ({
  ...original,
  kernelFunc(args) {
    const x = args.inputs.x as tf.TensorInfo
    const { reps } = args.attrs as unknown as { reps: readonly number[] }
    if (x.dtype === 'string' || reps.length !== x.shape.length) return original.kernelFunc(args)
    const backend = args.backend as unknown as WasmBackend
    const out = backend.makeOutput(
      x.shape.map((size, axis) => size * reps[axis]!),
      x.dtype,
    )
    let tiled = backend.typedArrayFromHeap(x)
    for (let axis = reps.length - 1; axis >= 0; axis--)
      tiled = repeated(tiled, tf.util.sizeFromShape(x.shape.slice(0, axis)), reps[axis]!)
    backend.typedArrayFromHeap(out).set(tiled)
    return out
  },
})

/** Each of `blocks` equal blocks, `times` times. */
function repeated<T extends tf.TypedArray>(values: T, blocks: number, times: number): T {
  if (times === 1) return values
  const size = values.length / blocks
  const result = new (values.constructor as new (length: number) => T)(values.length * times)
  for (let block = 0, at = 0; block < blocks; block++)
    for (let time = 0; time < times; time++, at += size)
      result.set(values.subarray(block * size, (block + 1) * size), at)
  return result
}
