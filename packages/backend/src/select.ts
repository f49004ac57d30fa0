import * as tf from '@tensorflow/tfjs'
import { type LoadedBackend, oneLine, processor } from './loaded.js'
import { loadTensorflow } from './tensorflow.js'
import { loadWasm } from './wasm/load.js'
import type { WebgpuOptions } from './webgpu/device.js'
import { loadWebgpu } from './webgpu/load.js'

/** In the order that `'auto'` prefers them, but that a GPU comes before TensorFlow without one. */
export const backendNames = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const
export type BackendName = (typeof backendNames)[number]

/** A backend that was not chosen, and why in one line. */
export interface PassedOver {
  readonly name: BackendName
  readonly reason: string
}

/** The backend that TensorFlow.js now computes with. */
export interface Backend extends LoadedBackend {
  readonly name: BackendName
  /** Every other backend, in the order of preference. */
  readonly passedOver: readonly PassedOver[]
}

const loaders: Record<BackendName, (options: WebgpuOptions) => Promise<LoadedBackend>> = {
  tensorflow: loadTensorflow,
  webgpu: loadWebgpu,
  wasm: loadWasm,
  cpu: async () => ({
    device: `${processor()}, 1 thread`,
    isGpu: false,
    package: '@tensorflow/tfjs-backend-cpu',
    version: tf.version['tfjs-backend-cpu'],
  }),
}

/**
 * Loads a backend and makes TensorFlow.js use it.
 *
 * @param wanted - one by name, or `'auto'` for the fastest that works: a GPU through TensorFlow or else WebGPU, then
 * TensorFlow's CPU kernels. Default `'auto'`
 * @param options - for `'webgpu'`
 * @throws RangeError for an unknown name
 * @throws Error, one line, when the named backend does not work here
 */
export async function selectBackend(
  wanted: BackendName | 'auto' = 'auto',
  options: WebgpuOptions = {},
): Promise<Backend> {
  if (wanted !== 'auto' && !backendNames.includes(wanted))
    throw new RangeError(`selectBackend: expected auto, ${backendNames.join(', ')}, got ${String(wanted)}`)
  // Silences hints that would break progress bars, and checks that read tensors back.
  tf.enableProdMode()
  const reasons = new Map<BackendName, string>()
  let chosen: (LoadedBackend & { name: BackendName }) | undefined
  for (const name of backendNames) {
    if (wanted !== 'auto' && wanted !== name) reasons.set(name, `${wanted} was asked for`)
    else if (chosen && (chosen.isGpu || name !== 'webgpu')) reasons.set(name, `${chosen.name} is faster`)
    else
      try {
        const loaded = await loaders[name](options)
        if (!(await tf.setBackend(name))) throw new Error('TensorFlow.js could not initialise it')
        if (chosen) reasons.set(chosen.name, 'it sees no GPU')
        chosen = { name, ...loaded }
      } catch (error) {
        const reason = oneLine(error)
        if (wanted === name) throw new Error(`selectBackend: expected ${name} to work here, got: ${reason}`)
        reasons.set(name, reason)
      }
  }
  // cpu needs nothing but JavaScript: one of them was chosen.
  await tf.setBackend(chosen!.name)
  const passedOver = backendNames.flatMap((name) => {
    const reason = reasons.get(name)
    return reason ? [{ name, reason }] : []
  })
  return Object.freeze({ ...chosen!, passedOver })
}
