import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'

/** A message of several lines as one that a terminal can take. */
const short = (message: string) => message.replaceAll(/\s+/g, ' ').trim().slice(0, 400)

/**
 * WebGPU reports invalid kernels, memory that ran out and lost devices on the side, while results silently stay zero.
 * This makes the first such report the error of every operation and read that follows: nothing computed after it can be
 * trusted.
 *
 * What a kernel makes carries its name, so that the report names the kernel also where it arrives later (in browsers).
 */
export function guard(backend: WebGPUBackend, device: GPUDevice): void {
  let kernel: string | undefined
  let failure: string | undefined
  const check = () => {
    if (failure) throw new Error(`webgpu: ${failure}; select the backend again`)
  }

  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
    const { error } = event as GPUUncapturedErrorEvent
    const where = kernel ? `kernel ${kernel}` : 'a kernel'
    const what = error instanceof GPUOutOfMemoryError ? 'ran out of memory' : 'failed'
    failure ??= `${where} ${what}: ${short(error.message)}`
  })
  void device.lost.then(({ reason, message }) => {
    failure ??= `the device was lost (${reason}): ${short(message)}`
  })

  for (const method of ['createBindGroup', 'createBuffer'] as const) {
    const create = device[method].bind(device) as (descriptor: object) => unknown
    Object.assign(device, {
      [method]: (descriptor: object) => create(kernel ? { label: kernel, ...descriptor } : descriptor),
    })
  }
  const within = <T>(name: string, run: () => T): T => {
    check()
    kernel = name
    try {
      return run()
    } finally {
      kernel = undefined
      check()
    }
  }
  const run = backend.runWebGPUProgram.bind(backend)
  backend.runWebGPUProgram = (program, ...rest) => within(program.constructor.name, () => run(program, ...rest))
  // For kernels from elsewhere.
  Object.assign(backend, { within })
  const read = backend.read.bind(backend)
  backend.read = async (dataId) => {
    check()
    try {
      return await read(dataId)
    } finally {
      check()
    }
  }
}
