import * as tf from '@tensorflow/tfjs'
import { type OpenedDevice, openDevice, type WebgpuOptions, type WebgpuReport } from './device.js'
import { guard } from './guard.js'

/**
 * Makes TensorFlow.js compute on WebGPU, in a browser or wherever `gpu` comes from.
 *
 * @param gpu - e.g. `navigator.gpu`
 * @throws Error, one line, where there is no adapter of the wanted kind
 */
export async function registerWebgpu(gpu: GPU, options?: WebgpuOptions): Promise<WebgpuReport> {
  const opened = await openDevice(gpu, options)
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu')
  close()
  const backend = new WebGPUBackend(opened.device, opened.info)
  guard(backend, opened.device)
  tf.registerBackend('webgpu', () => backend)
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js could not initialise it')
  current = opened
  return opened.report
}

let current: OpenedDevice | undefined

/** Forgets the backend of before, or the one that the package registers by itself, which reports no errors. */
function close(): void {
  if (tf.findBackendFactory('webgpu')) tf.removeBackend('webgpu')
  current?.device.destroy()
  current = undefined
}
