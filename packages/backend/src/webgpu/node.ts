import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Where Linux shows a GPU to programs: DRM, NVIDIA's own driver, Windows' GPU in WSL. */
export const gpuIsVisible = (): boolean =>
  process.platform !== 'linux' ||
  existsSync('/dev/nvidia0') ||
  existsSync('/dev/dxg') ||
  (existsSync('/dev/dri') && readdirSync('/dev/dri').some((name) => name.startsWith('renderD')))

/** Folders of browsers that bring SwiftShader and a Vulkan loader. */
const BROWSERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome']

/** By feature. One that is collected takes the process with it where a device of its is still in use. */
const instances = new Map<string, GPU>()

/**
 * The `navigator.gpu` of Node: Dawn, from the npm package `webgpu`.
 *
 * @throws Error, one line, if the package is missing or does not load
 */
export async function nodeGpu(software: boolean): Promise<GPU> {
  if (software) useSwiftShader()
  let dawn: typeof import('webgpu')
  try {
    dawn = await import('webgpu')
  } catch (error) {
    throw new Error(`the npm package webgpu does not load (${String(error).split('\n')[0]})`)
  }
  Object.assign(globalThis, dawn.globals)
  // On NVIDIA's Vulkan driver Dawn hides 16-bit floats unless told otherwise. SwiftShader takes a second to compile a kernel
  // that clears its workgroup memory first, a fifth of that without; kernels write there before they read.
  const toggle = software ? 'disable_workgroup_init' : 'vulkan_enable_f16_on_nvidia'
  const gpu = instances.get(toggle) ?? dawn.create([`enable-dawn-features=${toggle}`])
  instances.set(toggle, gpu)
  // TensorFlow.js looks for it here. Node 21 and later have a navigator of their own that only a definition replaces.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true, writable: true })
  return gpu
}

/** Points the Vulkan loader to a browser's SwiftShader, unless the environment names a driver. */
function useSwiftShader(): void {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env
  const icds = BROWSERS.map((folder) => join(folder, 'vk_swiftshader_icd.json'))
  const driver = VK_DRIVER_FILES ?? VK_ICD_FILENAMES ?? icds.find((icd) => existsSync(icd))
  if (!driver) return
  process.env.VK_DRIVER_FILES = driver
  const loader = join(dirname(driver), 'libvulkan.so.1')
  if (!existsSync(loader)) return
  try {
    // Dawn finds a loader that is not on the system's path once it is in the process. RTLD_NOW | RTLD_NODELETE.
    process.dlopen({ exports: {} }, loader, 0x1002)
  } catch {
    // It is no addon, which Node says after it loaded it.
  }
}
