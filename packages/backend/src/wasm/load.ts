import * as tf from '@tensorflow/tfjs'
import { type LoadedBackend, processor } from '../loaded.js'
import { batchMatMul } from './batch-matmul.js'
import { unsortedSegmentSum } from './unsorted-segment-sum.js'

/** Loads TensorFlow.js's WebAssembly backend with the two kernels that training needs. */
export async function loadWasm(): Promise<LoadedBackend> {
  const { version_wasm } = await import('@tensorflow/tfjs-backend-wasm')
  repair()
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')
  return {
    device: `${processor()}, 1 thread${simd ? ', SIMD' : ''}`,
    isGpu: false,
    package: '@tensorflow/tfjs-backend-wasm',
    version: version_wasm,
  }
}

function repair(): void {
  if (tf.getKernel('UnsortedSegmentSum', 'wasm')) return
  tf.registerKernel(unsortedSegmentSum)
  const original = tf.getKernel('BatchMatMul', 'wasm')!
  tf.unregisterKernel('BatchMatMul', 'wasm')
  tf.registerKernel(batchMatMul(original))
}
