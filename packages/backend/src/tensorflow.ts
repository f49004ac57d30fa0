import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import * as tf from '@tensorflow/tfjs'
import { compile } from './compile/compile.js'
import type { Chains } from './compile/node-backend.js'
import { type PreparedCuda, prepareCuda } from './cuda/prepare.js'
import { replaceGather } from './gather.js'
import { type LoadedBackend, oneLine } from './loaded.js'
import { processEnvironment } from './process-environment.js'
import { processor } from './processor.js'
import { quietly } from './quietly.js'
import { type Addon, findAddon } from './setup/addon.js'

const require = createRequire(import.meta.url)
const REMEDY = 'run `npx alibi-setup-tensorflow` to prepare it'

/** The parts of tfjs-node's backend that are not in TensorFlow.js's types. */
interface NodeBackend {
  readonly isUsingGpuDevice: boolean
  readonly binding: { readonly TF_Version: string }
}

/** The compiled `native/operations.cc`, which registers its operations when it is loaded. */
interface Operations extends Chains {
  /** How many threads one of its operations may have. */
  setThreads(count: number): void
}

/**
 * @throws Error, one line, if `@tensorflow/tfjs-node-gpu` is not installed or its addon is not prepared
 */
export async function loadTensorflow(): Promise<LoadedBackend> {
  const addon = findAddon()
  if (!addon) throw new Error('@tensorflow/tfjs-node-gpu is not installed; install it beside @alibi/backend')
  if (!existsSync(addon.path)) throw new Error(`its native addon is missing; ${REMEDY}`)
  prepared ??= prepareProcess(addon)
  try {
    quietly(addon.stderrPath, () => require('@tensorflow/tfjs-node-gpu'))
  } catch (error) {
    throw new Error(`its native addon does not load (${oneLine(error)}); ${REMEDY}`)
  }
  const backend = tf.findBackend('tensorflow') as unknown as NodeBackend | null
  if (!backend) throw new Error('@tensorflow/tfjs is installed twice, in versions that do not see each other')
  replaceGather()
  // Who computes with the backend finds there how to compile: `evaluate` of @alibi/transformer does.
  Object.assign(backend, { compile })
  const isGpu = backend.isUsingGpuDevice
  if (!isGpu && existsSync(addon.operationsPath)) {
    const operations: Operations = require(addon.operationsPath)
    operations.setThreads(Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism())
    // Kernels of @alibi/transformer look for the first, compile for the second.
    Object.assign(backend, { operations: true, chains: operations })
  }
  const { gpuName } = prepared
  if (gpuName !== undefined && !isGpu)
    process.emitWarning(`TensorFlow does not see ${gpuName}; TF_CPP_MIN_LOG_LEVEL=0 shows why`, 'CudaWarning')
  return {
    device: isGpu ? (gpuName ?? 'a GPU') : `${processor()}, ${availableParallelism()} threads`,
    isGpu,
    package: '@tensorflow/tfjs-node-gpu',
    version: backend.binding.TF_Version,
  }
}

/** TensorFlow's library is loaded once. */
let prepared: PreparedCuda | undefined

/** What must hold before TensorFlow's library is loaded. */
function prepareProcess(addon: Addon): PreparedCuda {
  const cuda = prepareCuda(addon)
  Object.assign(process.env, processEnvironment(cuda, process.env))
  // tfjs-node 4.22 calls two functions that Node 22 deprecates and Node 23 removed.
  const util = require('node:util')
  util.isNullOrUndefined = (value: unknown) => value == null
  util.isArray = Array.isArray
  return cuda
}
