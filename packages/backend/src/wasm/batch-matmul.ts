// Letters: B batch, M/N rows/columns of the result, K the dimension summed over.
import * as tf from '@tensorflow/tfjs'
import type { WasmBackend } from './heap.js'
import { type Matrices, matricesOf } from './matrices.js'

const CWRAP = ['number', 'array', 'number', 'number', 'array', 'number', 'number', 'number', 'number']

/**
 * TensorFlow.js's wasm matMul multiplies one plain pair of matrices with XNNPACK, and falls to a loop 10 times slower for a batch or
 * a transpose. Ours reads each pair as it lies there. Where it cannot be, this one transposes, and hands XNNPACK the batch pair by pair.
 *
 * @param original - for what it does not speed up: batches that broadcast along some dimensions
 */
export function batchMatMul(original: tf.KernelConfig): tf.KernelConfig {
  let ours: Matrices | undefined
  let theirs: (...args: readonly unknown[]) => void
  return {
    ...original,
    setupFunc(backend) {
      original.setupFunc?.(backend)
      ours = matricesOf(backend as unknown as WasmBackend)
      theirs = (backend as unknown as WasmBackend).wasm.cwrap('BatchMatMul', null, CWRAP)
    },
    kernelFunc(args) {
      const { a, b } = args.inputs as Record<'a' | 'b', tf.TensorInfo>
      const { transposeA, transposeB } = args.attrs as unknown as { transposeA: boolean; transposeB: boolean }
      const [batchA, batchB] = [a, b].map(({ shape }) => shape.slice(0, -2))
      const [sizeA, sizeB] = [size(batchA!), size(batchB!)]
      const plain = sizeA === 1 && sizeB === 1 && !transposeA && !transposeB
      const pairwise = `${batchA}` === `${batchB}` || sizeA === 1 || sizeB === 1
      const [M, K] = turned(a.shape.slice(-2), transposeA)
      const [inner, N] = turned(b.shape.slice(-2), transposeB)
      const isTheirs = (plain && !ours) || !pairwise || K === 0
      if (isTheirs || a.dtype !== 'float32' || b.dtype !== 'float32') return original.kernelFunc(args)
      if (inner !== K) throw new Error(`matMul: expected equal inner dimensions, got [${a.shape}] and [${b.shape}]`)

      const backend = args.backend as unknown as WasmBackend
      const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA!, batchB!)
      const out = backend.makeOutput([...batch, M, N], 'float32')
      const pairs = {
        count: size(batch),
        sizes: [M, N, K] as const,
        steps: [sizeA, sizeB].map((n) => (n === 1 ? 0 : 1)),
      }
      if (ours) inPlace(ours, backend, [a, b, out], pairs, [transposeA, transposeB])
      else pairByPair(theirs, backend, [a, b, out], pairs, [transposeA, transposeB])
      return out
    },
  }
}

interface Pairs {
  readonly count: number
  /** M, N, K. */
  readonly sizes: readonly [number, number, number]
  /** Matrices that each factor advances by from pair to pair: none where all pairs have the same one. */
  readonly steps: readonly number[]
}

type Tensors = readonly [a: tf.TensorInfo, b: tf.TensorInfo, out: tf.TensorInfo]
type Transposes = readonly [a: boolean, b: boolean]

function inPlace(
  { multiply }: Matrices,
  backend: WasmBackend,
  tensors: Tensors,
  { count, sizes, steps }: Pairs,
  [transposeA, transposeB]: Transposes,
): void {
  const [M, N, K] = sizes
  const [a, b, out] = tensors.map(({ dataId }) => backend.dataIdMap.get(dataId).memoryOffset) as [
    number,
    number,
    number,
  ]
  const strides = (rows: number, columns: number, transposed: boolean) =>
    transposed ? { row: 1, column: rows } : { row: columns, column: 1 }
  const [left, right] = [strides(M, K, transposeA), strides(K, N, transposeB)]
  for (let i = 0; i < count; i++)
    multiply(
      { address: a + 4 * M * K * i * steps[0]!, ...left },
      { address: b + 4 * K * N * i * steps[1]!, ...right },
      out + 4 * M * N * i,
      sizes,
    )
}

function pairByPair(
  multiply: (...args: readonly unknown[]) => void,
  backend: WasmBackend,
  [a, b, out]: Tensors,
  { count, sizes: [M, N, K], steps }: Pairs,
  [transposeA, transposeB]: Transposes,
): void {
  const left = transposeA ? transposed(a, backend) : a
  const right = transposeB ? transposed(b, backend) : b
  for (let i = 0; i < count; i++) {
    const views = [
      view(backend, left, i * steps[0]!, [1, M, K]),
      view(backend, right, i * steps[1]!, [1, K, N]),
      view(backend, out, i, [1, M, N]),
    ]
    const [l, r, o] = views.map(({ dataId }) => backend.dataIdMap.get(dataId).id)
    multiply(l, bytes([1, M, K]), 3, r, bytes([1, K, N]), 3, 0, 0, o)
    for (const { dataId } of views) release(backend, dataId)
  }
  if (left !== a) backend.disposeData(left.dataId)
  if (right !== b) backend.disposeData(right.dataId)
}

const turned = ([rows, columns]: readonly number[], isTurned: boolean): readonly [number, number] =>
  isTurned ? [columns!, rows!] : [rows!, columns!]
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
