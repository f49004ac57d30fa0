import * as tf from '@tensorflow/tfjs'
import type { Contestant, Size } from './contestant.js'
import { idiomatic } from './idiomatic.js'

/**
 * The idiomatic step on TensorFlow.js's own wasm kernels, with only the one added that it lacks.
 *
 * @param own - its kernels, from before `selectBackend` put others in the place of some
 */
export function stockWasm(size: Size, own: readonly tf.KernelConfig[]): Contestant {
  const step = idiomatic(size)
  return {
    ...step,
    name: 'tfjs-wasm, idiomatic',
    async run(steps) {
      const ours = own.map(({ kernelName }) => tf.getKernel(kernelName, 'wasm')!)
      register(own)
      try {
        return await step.run(steps)
      } finally {
        register(ours)
      }
    },
  }
}

function register(kernels: readonly tf.KernelConfig[]): void {
  for (const kernel of kernels) {
    tf.unregisterKernel(kernel.kernelName, 'wasm')
    tf.registerKernel(kernel)
  }
}

/** To be called before `selectBackend('wasm')`. */
export async function ownKernels(): Promise<readonly tf.KernelConfig[]> {
  await import('@tensorflow/tfjs-backend-wasm')
  return tf.getKernelsForBackend('wasm')
}
