import type { Addon } from '../setup/addon.js'
import { type CudaReport, inspectAddon, preparedBuild } from './inspect.js'
import { withToolkit } from './toolkit.js'
import { visibleGpu } from './visible.js'

/** What TensorFlow's library will find in this process. */
export interface PreparedCuda {
  /** Whether XLA may compile: on a GPU it ends a step that it lacks ptxas or libdevice for. */
  readonly xla: boolean
  /** The GPU that computes, if TensorFlow then says that one does. */
  readonly gpuName: string | undefined
}

/**
 * What must hold before TensorFlow's library is loaded, if it is a build for CUDA: its libraries loaded, GPUs that it has no
 * kernels for hidden, XLA's folder named. What is in the way of a GPU becomes a warning of the process.
 */
export function prepareCuda(addon: Addon): PreparedCuda {
  const onProcessor = { xla: true, gpuName: undefined }
  if (!preparedBuild(addon)) return onProcessor
  const report = inspectAddon(addon)
  for (const problem of report.problems) process.emitWarning(problem, 'CudaWarning')
  // As nvidia-smi counts them.
  process.env.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID'
  hideOthers(report)
  const gpu = visibleGpu(report.gpus)
  const xla = report.build?.xla
  if (!gpu || !xla) return onProcessor
  if ('folder' in xla) process.env.XLA_FLAGS = withToolkit(xla.folder)
  return { xla: 'folder' in xla, gpuName: gpu.name }
}

/** TensorFlow would take the first GPU, and crash on one that is newer than its kernels. */
function hideOthers({ gpus }: CudaReport): void {
  if (gpus.every(({ kernels }) => kernels)) return
  const usable = gpus.filter(({ kernels }) => kernels).map(({ index }) => index)
  process.env.CUDA_VISIBLE_DEVICES ??= usable.length ? usable.join() : '-1'
}
