import * as tf from '@tensorflow/tfjs'
import type { Contestant, Size } from './contestant.js'
import { idiomatic } from './idiomatic.js'

/**
 * The idiomatic step on TensorFlow.js's own wasm kernels, with only the one added that it lacks. `own` is its product, from
 * before `selectBackend` put another in its place.
 */
export function stockWasm(size: Size, own: tf.KernelConfig): Contestant {
  const step = idiomatic(size)
  return {
    ...step,
    name: 'tfjs-wasm, idiomatic',
    async run(steps) {
      const ours = tf.getKernel('BatchMatMul', 'wasm')!
      register(own)
      try {
        return await step.run(steps)
      } finally {
        register(ours)
      }
    },
  }
}

function register(kernel: tf.KernelConfig): void {
  tf.unregisterKernel('BatchMatMul', 'wasm')
  tf.registerKernel(kernel)
}

/** To be called before `selectBackend('wasm')`. */
export async function ownProduct(): Promise<tf.KernelConfig> {
  await import('@tensorflow/tfjs-backend-wasm')
  return tf.getKernel('BatchMatMul', 'wasm')!
}
