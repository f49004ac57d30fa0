// The entry for browsers, their workers too: nothing here or below it imports a module of Node.
import * as tf from '@tensorflow/tfjs'
import { type Chosen, chooseBackend } from './choose.js'
import { loadCpu } from './cpu.js'
import { loadWasm, type WasmPaths } from './wasm/load.js'
import type { WebgpuOptions } from './webgpu/device.js'
import { registerWebgpu } from './webgpu/register.js'

export type { PassedOver } from './choose.js'
export { ReplicaLostError } from './replicas/lost.js'
export type { Replicas } from './replicas/replicas.js'
export {
  createRoom,
  type JoinThreadsOptions,
  joinThreads,
  type SharedRoom,
  stepOfThreads,
  type ThreadReplicas,
} from './replicas/threads.js'
export type { WasmPaths } from './wasm/load.js'
export type { WebgpuOptions, WebgpuReport } from './webgpu/device.js'

/** Backends that browsers have. */
export type BrowserBackendName = 'webgpu' | 'wasm' | 'cpu'

/** The backend that TensorFlow.js now computes with. */
export interface BrowserBackend extends Chosen<BrowserBackendName> {}

/** What {@link selectBackend} takes besides a name. */
export interface BrowserBackendOptions extends WebgpuOptions {
  /** Where the page serves the files of `@tensorflow/tfjs-backend-wasm`. Default: beside the script. */
  readonly wasmPaths?: WasmPaths
}

const PROCESSOR = 'the processor'

/**
 * Loads a backend in a browser and makes TensorFlow.js use it.
 *
 * @param wanted - one by name, or `'auto'` for the fastest that works: a GPU through WebGPU, else WebAssembly, else
 * JavaScript. Default `'auto'`
 * @throws RangeError for an unknown name
 * @throws Error, one line, when the named backend does not work here
 */
export const selectBackend = (
  wanted: BrowserBackendName | 'auto' = 'auto',
  { wasmPaths, ...webgpu }: BrowserBackendOptions = {},
): Promise<BrowserBackend> =>
  chooseBackend(wanted, {
    webgpu: async () => {
      const { gpu } = (globalThis as { navigator?: { gpu?: GPU } }).navigator ?? {}
      if (!gpu) throw new Error('this browser has no WebGPU here; it takes a recent one, and https')
      const report = await registerWebgpu(gpu, webgpu)
      return {
        device: report.device,
        isGpu: !report.software,
        package: '@tensorflow/tfjs-backend-webgpu',
        // It does not say its own; TensorFlow.js's packages are of one version.
        version: tf.version_core,
        webgpu: report,
      }
    },
    wasm: async () => {
      await import('@tensorflow/tfjs-backend-wasm')
      // TensorFlow.js's own threads share single products, and keep our kernels from its heap; joinThreads shares whole steps.
      tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
      return loadWasm(PROCESSOR, wasmPaths)
    },
    cpu: () => loadCpu(PROCESSOR),
  })
