import { createRequire } from 'node:module'
import type { LoadedBackend } from '../loaded.js'
import type { WebgpuOptions } from './device.js'
import { gpuIsVisible, nodeGpu } from './node.js'
import { registerWebgpu } from './register.js'

/** @throws Error, one line, without the package `webgpu` or an adapter of the wanted kind */
export async function loadWebgpu(options: WebgpuOptions): Promise<LoadedBackend> {
  const { software = false } = options
  // Vulkan's loader would complain on stderr.
  if (!software && !gpuIsVisible())
    throw new Error('no GPU was found; code may ask for the processor with { software: true }')
  const webgpu = await registerWebgpu(await nodeGpu(software), options)
  const { version } = createRequire(import.meta.url)('webgpu/package.json')
  return { device: webgpu.device, isGpu: !webgpu.software, package: 'webgpu', version, webgpu }
}
