export { type Compiled, type CompileOptions, compile } from './compile/compile.js'
export { describeCuda } from './cuda/describe.js'
export { type Driver, findDriver, type Gpu } from './cuda/driver.js'
export { type CudaGpu, type CudaLibrary, type CudaReport, inspectCuda } from './cuda/inspect.js'
export type { Toolkit } from './cuda/toolkit.js'
export { visibleGpu } from './cuda/visible.js'
export { areLoopback } from './replicas/address.js'
export { type JoinOptions, joinReplicas } from './replicas/join.js'
export { ReplicaLostError } from './replicas/lost.js'
export type { Replicas } from './replicas/replicas.js'
export {
  createRoom,
  type JoinThreadsOptions,
  joinThreads,
  type SharedRoom,
  type ThreadReplicas,
} from './replicas/threads.js'
export { type Backend, type BackendName, backendNames, type PassedOver, selectBackend } from './select.js'
export type { WebgpuOptions, WebgpuReport } from './webgpu/device.js'
