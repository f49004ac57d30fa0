import * as tf from '@tensorflow/tfjs'
import type { LoadedBackend } from './loaded.js'

/** Plain JavaScript, which TensorFlow.js brings itself. */
export const loadCpu = async (processor: string): Promise<LoadedBackend> => ({
  device: `${processor}, 1 thread`,
  isGpu: false,
  package: '@tensorflow/tfjs-backend-cpu',
  version: tf.version['tfjs-backend-cpu'],
})
