import type { CudaGpu, CudaReport } from './inspect.js'

/** What a run on a GPU would load, a line each, and then what is in its way. */
export function describeCuda({ driver, gpus, build, problems }: CudaReport): readonly string[] {
  const lines = [
    driver === undefined ? 'NVIDIA driver: none' : `NVIDIA driver ${driver}`,
    ...gpus.map(
      (gpu) =>
        `GPU ${gpu.index}: ${gpu.name}, compute capability ${gpu.capability}, ${gpu.memoryMiB} MiB${slowStart(gpu)}`,
    ),
  ]
  if (build) {
    const { version, capabilities, libraries, xla } = build
    lines.push(`TensorFlow is built for CUDA ${version ?? '12'} with kernels of ${capabilities.join(', ')}`)
    for (const { name, path, problem } of libraries) lines.push(`${name}: ${problem ?? path ?? "the system's"}`)
    lines.push('folder' in xla ? `ptxas and libdevice for XLA: ${xla.folder}` : `XLA is off: ${xla.problem}`)
  } else lines.push('TensorFlow is not built for CUDA: a run on a GPU would load nothing')
  return [...lines, ...problems.map((problem) => `problem: ${problem}`)]
}

const slowStart = ({ kernels }: CudaGpu) =>
  kernels === 'at first use' ? '; kernels are compiled for it at first use, which takes minutes' : ''
