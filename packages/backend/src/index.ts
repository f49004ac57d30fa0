export { type Compiled, type CompileOptions, compile } from './compile/compile.js'
export { type Backend, type BackendName, backendNames, type PassedOver, selectBackend } from './select.js'
export type { WebgpuOptions, WebgpuReport } from './webgpu/device.js'
