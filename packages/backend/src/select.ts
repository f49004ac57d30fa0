import * as tf from '@tensorflow/tfjs'
import { type LoadedBackend, oneLine, processor } from './loaded.js'
import { loadTensorflow } from './tensorflow.js'
import { loadWasm } from './wasm/load.js'

/** In the order that `'auto'` tries them: fastest first. */
export const backendNames = ['tensorflow', 'wasm', 'cpu'] as const
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

const loaders: Record<BackendName, () => Promise<LoadedBackend>> = {
  tensorflow: loadTensorflow,
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
 * @param wanted - one by name, or `'auto'` for the first that works. Default `'auto'`
 * @throws RangeError for an unknown name
 * @throws Error, one line, when the named backend does not work here
 */
export async function selectBackend(wanted: BackendName | 'auto' = 'auto'): Promise<Backend> {
  if (wanted !== 'auto' && !backendNames.includes(wanted))
    throw new RangeError(`selectBackend: expected auto, ${backendNames.join(', ')}, got ${String(wanted)}`)
  // Silences hints that would break progress bars, and checks that read tensors back.
  tf.enableProdMode()
  const passedOver: PassedOver[] = []
  let chosen: (LoadedBackend & { name: BackendName }) | undefined
  for (const name of backendNames) {
    if (chosen) passedOver.push({ name, reason: `${chosen.name} is faster` })
    else if (wanted !== 'auto' && wanted !== name) passedOver.push({ name, reason: `${wanted} was asked for` })
    else
      try {
        const loaded = await loaders[name]()
        if (!(await tf.setBackend(name))) throw new Error('TensorFlow.js could not initialise it')
        chosen = { name, ...loaded }
      } catch (error) {
        const reason = oneLine(error)
        if (wanted === name) throw new Error(`selectBackend: expected ${name} to work here, got: ${reason}`)
        passedOver.push({ name, reason })
      }
  }
  // cpu needs nothing but JavaScript: one of them was chosen.
  return Object.freeze({ ...chosen!, passedOver })
}
