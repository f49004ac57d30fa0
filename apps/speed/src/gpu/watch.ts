// Watches what is dispatched: names and shapes, and on devices with timestamps the time of each.
import * as tf from '@tensorflow/tfjs'
import type { Dispatch } from './cost.js'

/** One dispatch, and how long the device took; undefined on devices without timestamps. */
export interface Watched {
  readonly dispatch: Dispatch
  readonly seconds: number | undefined
}

/** What is used of tfjs-backend-webgpu 4.22, and of what this project's kernels tell. */
interface Backend {
  readonly device: GPUDevice
  commandEncoder: GPUCommandEncoder | null
  endComputePassEncoder(): void
  submitQueue(): void
  runWebGPUProgram(program: Program, inputs: readonly tf.TensorInfo[], ...rest: unknown[]): tf.TensorInfo
  within<T>(name: string, run: () => T, kernel?: Kernel): T
}

/** A program of TensorFlow.js. */
interface Program {
  readonly transposeA?: boolean
  readonly outputShape: number[]
}

/** A kernel of `@alibi/transformer`. */
interface Kernel {
  readonly name: string
  readonly inputs: readonly { readonly name: string; readonly tensor: tf.Tensor }[]
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly tensor?: tf.Tensor }[]
  readonly uniforms: Readonly<Record<string, number>>
}

/** Dispatches that are timed: each has two timestamps, of which a set holds 4096. */
const MOST_TIMED = 2048

/** Runs something on the selected webgpu backend, and tells what was dispatched meanwhile. */
export async function watch(run: () => Promise<unknown>): Promise<Watched[]> {
  const backend = tf.backend() as unknown as Backend
  const { runWebGPUProgram, within } = backend
  const dispatches: Dispatch[] = []
  const clock = backend.device.features.has('timestamp-query') ? timestamps(backend) : undefined
  const record = <T>(dispatch: Dispatch, run: () => T): T => {
    // What was before gets a pass of its own, so that this one's is its alone.
    clock?.separate()
    dispatches.push(dispatch)
    const result = run()
    clock?.separate()
    return result
  }
  backend.runWebGPUProgram = (program, inputs, ...rest) =>
    record(
      {
        name: program.constructor.name,
        inputs: inputs.map(({ shape }) => ({ shape })),
        outputs: [{ shape: program.outputShape }],
        uniforms: { transposeA: Number(program.transposeA ?? false) },
      },
      () => runWebGPUProgram.call(backend, program, inputs, ...rest),
    )
  backend.within = (name, run, kernel) => {
    const inner = () => within.call(backend, name, run, kernel) as ReturnType<typeof run>
    return kernel ? record(ofOurs(kernel), inner) : inner()
  }
  try {
    await run()
    const seconds = await clock?.read(dispatches.length)
    return dispatches.map((dispatch, i) => ({ dispatch, seconds: seconds?.[i] }))
  } finally {
    clock?.stop()
    Object.assign(backend, { runWebGPUProgram, within })
  }
}

const ofOurs = ({ name, inputs, outputs, uniforms }: Kernel): Dispatch => ({
  name,
  inputs: inputs.map(({ name, tensor }) => ({ name, shape: tensor.shape })),
  outputs: outputs.map(({ name, shape }) => ({ name, shape })),
  inPlace: outputs.some(({ tensor }) => tensor),
  uniforms,
})

/** Gives every pass two timestamps. */
function timestamps(backend: Backend) {
  const { device } = backend
  const set = device.createQuerySet({ type: 'timestamp', count: 2 * MOST_TIMED })
  const create = device.createCommandEncoder.bind(device)
  let passes = 0
  device.createCommandEncoder = (descriptor) => {
    const encoder = create(descriptor)
    const begin = encoder.beginComputePass.bind(encoder)
    encoder.beginComputePass = () => {
      const at = 2 * passes++
      return at < 2 * MOST_TIMED
        ? begin({ timestampWrites: { querySet: set, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } })
        : begin()
    }
    return encoder
  }
  // An encoder that was begun before has no clock.
  backend.endComputePassEncoder()
  if (backend.commandEncoder) backend.submitQueue()
  return {
    separate: () => backend.endComputePassEncoder(),
    /** @returns the seconds of the first passes */
    async read(count: number): Promise<number[]> {
      const timed = Math.min(count, MOST_TIMED)
      const size = 16 * timed
      if (!size) return []
      backend.endComputePassEncoder()
      if (backend.commandEncoder) backend.submitQueue()
      const resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC })
      const readable = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ })
      const encoder = create()
      encoder.resolveQuerySet(set, 0, 2 * timed, resolved, 0)
      encoder.copyBufferToBuffer(resolved, 0, readable, 0, size)
      device.queue.submit([encoder.finish()])
      await readable.mapAsync(GPUMapMode.READ)
      const times = new BigUint64Array(readable.getMappedRange())
      const seconds = Array.from({ length: timed }, (_, i) => Number(times[2 * i + 1]! - times[2 * i]!) / 1e9)
      readable.destroy()
      resolved.destroy()
      return seconds
    },
    stop() {
      set.destroy()
      Reflect.deleteProperty(device, 'createCommandEncoder')
    },
  }
}
