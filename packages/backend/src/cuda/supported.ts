import type { Driver, Gpu } from './driver.js'

/**
 * Compute capabilities of the pip wheel of TensorFlow 2.21: `cuda_clang` in its .bazelrc. The wheel repeats them in
 * tensorflow/python/platform/build_info.py, which is read where it is there.
 */
export const WHEEL_CAPABILITIES: readonly string[] = ['sm_60', 'sm_70', 'sm_80', 'sm_89', 'compute_90']

/** Programs of CUDA 12 run on drivers from this one on: NVIDIA's "Minor Version Compatibility", table 1. */
const OLDEST_DRIVER = 525

/** @returns why TensorFlow's CUDA build does not run on it, in one line */
export function driverProblem({ version }: Driver): string | undefined {
  if (Number.parseInt(version, 10) >= OLDEST_DRIVER) return undefined
  return `expected NVIDIA driver ${OLDEST_DRIVER} or newer, as CUDA 12 needs, got ${version}`
}

/**
 * How a GPU runs a build's kernels. Machine code (`sm_80`) runs on its major version, from its minor version on. PTX
 * (`compute_90`) is compiled at first use. NVIDIA promises that for newer major versions too, but XLA of TensorFlow 2.21 ends
 * the process there: it writes PTX 8.5, which has no Blackwell (tensorflow#111958, #89272).
 *
 * @param capabilities - of the build
 * @returns undefined if it does not
 */
export function kernelsFor(
  { capability }: Gpu,
  capabilities: readonly string[],
): 'compiled' | 'at first use' | undefined {
  const [major, minor] = capability.split('.').map(Number) as [number, number]
  const running = capabilities.filter((each) => {
    const [, kernelMajor, kernelMinor] = /_(\d+)(\d)/.exec(each) ?? []
    return Number(kernelMajor) === major && Number(kernelMinor) <= minor
  })
  if (running.some((each) => each.startsWith('sm_'))) return 'compiled'
  return running.length ? 'at first use' : undefined
}

/** @returns why a build does not run on a GPU, in one line */
export function gpuProblem(gpu: Gpu, capabilities: readonly string[]): string | undefined {
  if (kernelsFor(gpu, capabilities)) return undefined
  return `${gpu.name} has compute capability ${gpu.capability}, and TensorFlow's CUDA build has kernels of ${capabilities.join(', ')}; --backend webgpu may run on it`
}

/** @returns why the pip wheel computes on none of a driver's GPUs, in one line; undefined if it does on one */
export function unsupported(driver: Driver): string | undefined {
  const problems = driver.gpus.map((gpu) => gpuProblem(gpu, WHEEL_CAPABILITIES))
  return driverProblem(driver) ?? (problems.every((problem) => problem !== undefined) ? problems[0] : undefined)
}
