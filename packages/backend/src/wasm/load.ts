import * as tf from '@tensorflow/tfjs'
import type { LoadedBackend } from '../loaded.js'
import { batchMatMul } from './batch-matmul.js'
import { gather } from './gather.js'
import { identity } from './identity.js'
import { longMean, longSum } from './long-sum.js'
import { outerDifference } from './outer-difference.js'
import { slice, splitV } from './slice.js'
import { tile } from './tile.js'
import { unsortedSegmentSum } from './unsorted-segment-sum.js'

/** A URL that ends in a slash, or the URL of each file. */
export type WasmPaths = string | Readonly<Record<string, string>>

/**
 * Loads TensorFlow.js's WebAssembly backend with the kernel that training lacks, faster ones, and sums in float64.
 *
 * @param paths - where its files are; in browsers
 */
export async function loadWasm(processor: string, paths?: WasmPaths): Promise<LoadedBackend> {
  const { setWasmPaths, version_wasm } = await import('@tensorflow/tfjs-backend-wasm')
  // Once it runs it would refuse them.
  if (paths !== undefined && !('wasm' in tf.engine().registry)) setWasmPaths(paths)
  repair()
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')
  return {
    device: `${processor}, 1 thread${simd ? ', SIMD' : ''}`,
    isGpu: false,
    package: '@tensorflow/tfjs-backend-wasm',
    version: version_wasm,
  }
}

const BETTER = {
  BatchMatMul: batchMatMul,
  GatherV2: gather,
  Identity: identity,
  Slice: slice,
  SplitV: splitV,
  Sub: outerDifference,
  Sum: longSum,
  Tile: tile,
  Mean: longMean,
}

function repair(): void {
  if (tf.getKernel('UnsortedSegmentSum', 'wasm')) return
  tf.registerKernel(unsortedSegmentSum)
  for (const [name, better] of Object.entries(BETTER)) {
    const original = tf.getKernel(name, 'wasm')!
    tf.unregisterKernel(name, 'wasm')
    tf.registerKernel(better(original))
  }
}
