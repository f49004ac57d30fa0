// Letters: N rows, S segments.
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs'
import type { WasmBackend } from './heap.js'

/**
 * The gradient of `gather`, and so of every embedding: adds row i of x [N, ...] to row segmentIds[i] of the result
 * [S, ...]. TensorFlow.js 4.22 has no such kernel for wasm. Ids out of range add nowhere, as on the other backends.
 */
export const unsortedSegmentSum: KernelConfig = {
  kernelName: 'UnsortedSegmentSum',
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { x, segmentIds } = inputs as Record<'x' | 'segmentIds', TensorInfo>
    const { numSegments } = attrs as unknown as { numSegments: number }
    const wasm = backend as unknown as WasmBackend
    const [, ...rowShape] = x.shape
    const width = rowShape.reduce((a, b) => a * b, 1)
    const out = wasm.makeOutput([numSegments, ...rowShape], x.dtype)
    // The heap may have moved by allocating: take the views after it.
    const [values, ids, sums] = [x, segmentIds, out].map((info) => wasm.typedArrayFromHeap(info))
    sums!.fill(0)
    ids!.forEach((segment, row) => {
      if (segment < 0 || segment >= numSegments) return
      for (let i = 0; i < width; i++) sums![segment * width + i]! += values![row * width + i]!
    })
    return out
  },
}
