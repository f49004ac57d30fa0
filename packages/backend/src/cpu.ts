// Letters: N rows, S segments.
import * as tf from '@tensorflow/tfjs'
import type { LoadedBackend } from './loaded.js'
import { replaceKernel } from './replace-kernel.js'

/** Plain JavaScript, which TensorFlow.js brings itself, with a faster kernel for what trains embeddings. */
export async function loadCpu(processor: string): Promise<LoadedBackend> {
  replaceKernel('UnsortedSegmentSum', 'cpu', unsortedSegmentSum)
  return {
    device: `${processor}, 1 thread`,
    isGpu: false,
    package: '@tensorflow/tfjs-backend-cpu',
    version: tf.version['tfjs-backend-cpu'],
  }
}

/** The parts of the backend that are not in TensorFlow.js's types. */
interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values: ArrayLike<number> } }
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: tf.TypedArray): tf.TensorInfo
}

/**
 * Adds row i of x [N, ...] to row segmentIds[i] of the result [S, ...]. The kernel of TensorFlow.js 4.22 multiplies all of x by
 * a mask for each segment, so for each word of a vocabulary: half of a small model's training. The sums are the same to the
 * last bit: both add in float64, in the order of the rows.
 */
const unsortedSegmentSum: tf.KernelFunc = ({ inputs, backend, attrs }) => {
  const { x, segmentIds } = inputs as Record<'x' | 'segmentIds', tf.TensorInfo>
  const { numSegments } = attrs as unknown as { numSegments: number }
  const cpu = backend as unknown as CpuBackend
  const [values, ids] = [cpu.data.get(x.dataId).values, cpu.data.get(segmentIds.dataId).values]
  const rowShape = x.shape.slice(segmentIds.shape.length)
  const width = tf.util.sizeFromShape(rowShape)
  const sums = new Float64Array(numSegments * width)
  for (let row = 0; row < ids.length; row++) {
    const segment = ids[row]!
    if (segment < 0 || segment >= numSegments) continue
    for (let i = 0; i < width; i++) sums[segment * width + i]! += values[row * width + i]!
  }
  return cpu.makeTensorInfo([numSegments, ...rowShape], 'float32', Float32Array.from(sums))
}
