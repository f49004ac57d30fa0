import * as tf from '@tensorflow/tfjs'
import type { WasmBackend } from './heap.js'
import { matricesOf } from './matrices.js'

/** Terms from which on a sum is taken in float64: below, one of float32 in order is off by 6e-5 at most, 1e-6 as a rule. */
const LONG = 1024

/** Rows from which on ours adds them up faster than theirs, which goes from row to row for each number. */
const ROWS = 8

/**
 * TensorFlow.js's wasm `Sum` and `Mean` add in float32 from first to last: 5·10⁷ squares are off by percents, as small
 * terms vanish beside the sum. Long ones, and rows, are added in float64 here.
 *
 * @param original - for short sums, other types, and axes that are not next to each other
 */
const inFloat64 =
  (divides: boolean) =>
  (original: tf.KernelConfig): tf.KernelConfig => ({
    ...original,
    kernelFunc(args) {
      const x = args.inputs.x as tf.TensorInfo
      const { axis, keepDims } = args.attrs as unknown as { axis: number | number[]; keepDims?: boolean }
      const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b)
      const count = tf.util.sizeFromShape(axes.map((each) => x.shape[each]!))
      const together = axes.every((each, i) => each === axes[0]! + i)
      const inner = tf.util.sizeFromShape(x.shape.slice(axes.at(-1)! + 1))
      const backend = args.backend as unknown as WasmBackend
      const isOurs = count >= LONG || (count >= ROWS && inner > 1 && matricesOf(backend))
      if (x.dtype !== 'float32' || !together || !isOurs) return original.kernelFunc(args)
      const [outShape] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes)
      const shape = keepDims ? tf.backend_util.expandShapeToKeepDim(outShape, axes) : outShape
      return addUp(backend, x, shape, { count, inner, divides })
    },
  })

export const longSum = inFloat64(false)
export const longMean = inFloat64(true)

interface Reduction {
  /** Terms of each sum. */
  readonly count: number
  /** Numbers between one term and the next. */
  readonly inner: number
  readonly divides: boolean
}

function addUp(wasm: WasmBackend, x: tf.TensorInfo, shape: number[], { count, inner, divides }: Reduction) {
  const out = wasm.makeOutput(shape, 'float32')
  const matrices = matricesOf(wasm)
  const address = matrices ? wasm.wasm._malloc(8 * inner) >>> 0 : 0
  // The heap may have moved by allocating: take the views after it.
  const values = wasm.typedArrayFromHeap(x)
  const results = wasm.typedArrayFromHeap(out)
  const sums = matrices ? new Float64Array(results.buffer, address, inner) : new Float64Array(inner)
  for (let start = 0; start < results.length; start += inner) {
    const from = start * count
    if (matrices) matrices.sumRows(values.byteOffset + 4 * from, count, inner, address)
    else sumRows(values.subarray(from, from + count * inner), sums)
    for (let i = 0; i < inner; i++) results[start + i] = divides ? sums[i]! / count : sums[i]!
  }
  if (matrices) wasm.wasm._free(address)
  return out
}

/** Rows one after another, as long as their sums. */
function sumRows(rows: tf.TypedArray, sums: Float64Array): void {
  sums.fill(0)
  for (let at = 0; at < rows.length; ) for (let i = 0; i < sums.length; i++) sums[i]! += rows[at++]!
}
