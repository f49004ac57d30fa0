import { type Chosen, chooseBackend, type PassedOver as PassedOverOf } from './choose.js'
import { loadCpu } from './cpu.js'
import { processor } from './processor.js'
import { loadTensorflow } from './tensorflow.js'
import { loadWasm } from './wasm/load.js'
import type { WebgpuOptions } from './webgpu/device.js'
import { loadWebgpu } from './webgpu/load.js'

/** In the order that `'auto'` prefers them, but that a GPU comes before TensorFlow without one. */
export const backendNames = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const
/** One of {@link backendNames}. */
export type BackendName = (typeof backendNames)[number]

/** A backend that was not chosen, and why in one line. */
export interface PassedOver extends PassedOverOf<BackendName> {}

/** The backend that TensorFlow.js now computes with. */
export interface Backend extends Chosen<BackendName> {}

/**
 * Loads a backend and makes TensorFlow.js use it.
 *
 * @param wanted - one by name, or `'auto'` for the fastest that works: a GPU through TensorFlow or else WebGPU, then
 * TensorFlow's CPU kernels. Default `'auto'`
 * @param options - for `'webgpu'`
 * @throws RangeError for an unknown name
 * @throws Error, one line, when the named backend does not work here
 */
export const selectBackend = (wanted: BackendName | 'auto' = 'auto', options: WebgpuOptions = {}): Promise<Backend> =>
  chooseBackend(wanted, {
    tensorflow: loadTensorflow,
    webgpu: () => loadWebgpu(options),
    wasm: () => loadWasm(processor()),
    cpu: () => loadCpu(processor()),
  })
