// Letters: B batch, M/N rows/columns of the result, K the dimension summed over.
import * as tf from '@tensorflow/tfjs'
import type { WasmBackend } from './heap.js'

const CWRAP = ['number', 'array', 'number', 'number', 'array', 'number', 'number', 'number', 'number']

/**
 * TensorFlow.js's wasm matMul multiplies one plain pair of matrices with XNNPACK, but falls to a loop 10 times slower for
 * a batch or a transpose. This one transposes first and hands over the batch pair by pair.
 *
 * @param original - for what it does not speed up: batches that broadcast along some dimensions
 */
export function batchMatMul(original: tf.KernelConfig): tf.KernelConfig {
  let multiply: (...args: readonly unknown[]) => void
  return {
    ...original,
    setupFunc(backend) {
      original.setupFunc?.(backend)
      multiply = (backend as unknown as WasmBackend).wasm.cwrap('BatchMatMul', null, CWRAP)
    },
    kernelFunc(args) {
      const { a, b } = args.inputs as Record<'a' | 'b', tf.TensorInfo>
      const { transposeA, transposeB } = args.attrs as unknown as { transposeA: boolean; transposeB: boolean }
      const [batchA, batchB] = [a, b].map(({ shape }) => shape.slice(0, -2))
      const [sizeA, sizeB] = [size(batchA!), size(batchB!)]
      const plain = sizeA === 1 && sizeB === 1 && !transposeA && !transposeB
      const pairwise = `${batchA}` === `${batchB}` || sizeA === 1 || sizeB === 1
      if (plain || !pairwise || a.dtype !== 'float32' || b.dtype !== 'float32') return original.kernelFunc(args)

      const backend = args.backend as unknown as WasmBackend
      const left = transposeA ? transposed(a, args.backend) : a
      const right = transposeB ? transposed(b, args.backend) : b
      const [M, K, N] = [left.shape.at(-2)!, left.shape.at(-1)!, right.shape.at(-1)!]
      if (right.shape.at(-2) !== K)
        throw new Error(`matMul: expected equal inner dimensions, got [${left.shape}] and [${right.shape}]`)
      const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA!, batchB!)
      const out = backend.makeOutput([...batch, M, N], 'float32')

      const pair = (i: number) => {
        const views = [
          view(backend, left, sizeA === 1 ? 0 : i, [1, M, K]),
          view(backend, right, sizeB === 1 ? 0 : i, [1, K, N]),
          view(backend, out, i, [1, M, N]),
        ]
        const [l, r, o] = views.map(({ dataId }) => backend.dataIdMap.get(dataId).id)
        multiply(l, bytes([1, M, K]), 3, r, bytes([1, K, N]), 3, 0, 0, o)
        for (const { dataId } of views) release(backend, dataId)
      }
      for (let i = 0; i < size(batch); i++) pair(i)
      if (left !== a) backend.disposeData(left.dataId)
      if (right !== b) backend.disposeData(right.dataId)
      return out
    },
  }
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)
const bytes = (shape: readonly number[]) => new Uint8Array(Int32Array.from(shape).buffer)

/** A copy of `x` with its last two dimensions swapped. */
function transposed(x: tf.TensorInfo, backend: unknown): tf.TensorInfo {
  const axes = x.shape.map((_, i) => i)
  const perm = [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]
  const transpose = tf.getKernel('Transpose', 'wasm')!.kernelFunc
  return transpose({ inputs: { x }, backend, attrs: { perm } } as Parameters<tf.KernelFunc>[0]) as tf.TensorInfo
}

/** The `index`-th matrix of `x` without copying it. */
function view(backend: WasmBackend, x: tf.TensorInfo, index: number, shape: readonly number[]): tf.TensorInfo {
  const { memoryOffset } = backend.dataIdMap.get(x.dataId)
  return backend.makeOutput(shape, 'float32', memoryOffset + index * 4 * size(shape))
}

/** Forgets a view; its bytes are not its own, so they are not freed. */
function release(backend: WasmBackend, dataId: object): void {
  backend.wasm.tfjs.disposeData(backend.dataIdMap.get(dataId).id)
  backend.dataIdMap.delete(dataId)
}
