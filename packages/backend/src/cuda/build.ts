import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { WHEEL_CAPABILITIES } from './supported.js'
import { versionProblems } from './versions.js'

/**
 * The CUDA libraries that TensorFlow opens by these names (XLA's tsl/platform/default/dso_loader.cc), and those that they need,
 * which come before them.
 */
const NAMES = [
  'libcudart.so.12',
  'libnvJitLink.so.12',
  'libnvrtc.so.12',
  'libcublasLt.so.12',
  'libcublas.so.12',
  'libcusparse.so.12',
  'libcusolver.so.11',
  'libcufft.so.11',
  'libcurand.so.10',
  'libcudnn.so.9',
  'libcupti.so.12',
  'libnccl.so.2',
] as const

/** What a CUDA build of TensorFlow has on disk. */
export interface CudaBuild {
  /** The CUDA version it was built with, e.g. `12.5.1`; undefined where it does not say. */
  readonly version: string | undefined
  /** Kernels it has, e.g. `sm_80`. */
  readonly capabilities: readonly string[]
  /** Libraries in the order in which they load; without a path where the system's loader must find them. */
  readonly libraries: readonly { readonly name: string; readonly path: string | undefined }[]
  /** NVIDIA's packages of other versions than TensorFlow asks for, in one line each. */
  readonly versionProblems: readonly string[]
  /** The folders in which XLA may find ptxas and libdevice, the first ones first. */
  readonly toolkits: readonly string[]
}

/** Where CUDA is where it does not come with TensorFlow. */
const SYSTEM_TOOLKITS = ['/usr/local/cuda', '/opt/cuda']

/**
 * @param folders - TensorFlow's headers, and NVIDIA's packages where there are any
 * @returns undefined for a build without CUDA
 */
export function readCudaBuild(folders: { include: string; nvidia: string | undefined }): CudaBuild | undefined {
  const { include, nvidia } = folders
  const tensorflow = dirname(include)
  const about = join(tensorflow, 'python/platform/build_info.py')
  const info = existsSync(about) ? readFileSync(about, 'utf8') : ''
  const isCuda = info ? /'is_cuda_build', True/.test(info) : nvidia !== undefined
  if (!isCuda) return undefined
  const capabilities = /'cuda_compute_capabilities', \[([^\]]*)\]/.exec(info)?.[1]?.match(/\w+_\d+/g)
  return {
    version: /'cuda_version', '([^']*)'/.exec(info)?.[1],
    capabilities: capabilities ?? WHEEL_CAPABILITIES,
    libraries: NAMES.map((name) => ({ name, path: nvidia && findLibrary(nvidia, name) })),
    versionProblems: versionProblems(dirname(tensorflow)),
    toolkits: nvidia ? [join(nvidia, 'cuda_nvcc')] : SYSTEM_TOOLKITS,
  }
}

function findLibrary(nvidia: string, name: string): string | undefined {
  return readdirSync(nvidia)
    .map((each) => resolve(nvidia, each, 'lib', name))
    .find(existsSync)
}
