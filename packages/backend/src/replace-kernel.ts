import * as tf from '@tensorflow/tfjs'

/** Puts a kernel of ours in the place of TensorFlow.js's. */
export function replaceKernel(kernelName: string, backendName: string, kernelFunc: tf.KernelFunc): void {
  tf.unregisterKernel(kernelName, backendName)
  tf.registerKernel({ kernelName, backendName, kernelFunc })
}
