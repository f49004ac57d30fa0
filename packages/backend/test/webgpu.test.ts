// On Debian's SwiftShader (package chromium) where there is no GPU: `{ software: true }` takes it.
import { spawnSync } from 'node:child_process'
import * as tf from '@tensorflow/tfjs'
import { beforeEach, describe, expect, it } from 'vitest'
import { selectBackend } from '../src/index.js'

const unavailable = await selectBackend('webgpu', { software: true }).then(
  () => undefined,
  (error: Error) => error.message,
)

/** The parts of TensorFlow.js's backend that the tests break on purpose. */
interface Internals {
  readonly device: { destroy(): void }
  runWebGPUProgram(program: object, inputs: readonly tf.TensorInfo[], dtype: string): tf.TensorInfo
}
const internals = () => tf.backend() as unknown as Internals

/** A program whose user code is invalid. */
class BrokenProgram {
  readonly outputShape = [4]
  readonly shaderKey = 'broken'
  readonly dispatchLayout = { x: [0] }
  readonly dispatch = [1, 1, 1]
  readonly workgroupSize = [64, 1, 1]
  readonly variableNames = []
  getUserCode = () => 'fn main(index: i32) { result[index] = missing; }'
}

describe.skipIf(unavailable)(`webgpu${unavailable ? ` (skipped: ${unavailable})` : ''}`, () => {
  beforeEach(async () => {
    await selectBackend('webgpu', { software: true })
  })

  it('computes, and reports its adapter, features and limits', async () => {
    const backend = await selectBackend('webgpu', { software: true })
    expect(backend).toMatchObject({ name: 'webgpu', package: 'webgpu', isGpu: !backend.webgpu!.software })
    expect(backend.device.includes('software adapter')).toBe(backend.webgpu!.software)
    expect(backend.webgpu!.limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(8)
    expect([...(await tf.matMul([[1, 2]], [[3], [4]]).data())]).toEqual([11])
  })

  it('fails with the name of a kernel that is invalid, and goes on failing', async () => {
    expect(() => internals().runWebGPUProgram(new BrokenProgram(), [], 'float32')).toThrow(
      /^webgpu: kernel BrokenProgram failed: .*missing[^\n]*select the backend again$/,
    )
    expect(() => tf.matMul(tf.ones([99, 99]), tf.ones([99, 99]))).toThrow('kernel BrokenProgram failed')
    await selectBackend('webgpu', { software: true })
    expect([...(await tf.add([1], [2]).data())]).toEqual([3])
  })

  it('fails with the name of a kernel that asks for too much memory', () => {
    // A float32 tensor of 8 GiB: no device gives a buffer that large here, and none of it is written.
    expect(() => tf.tidy(() => tf.tile(tf.ones([2 ** 16]), [2 ** 15]))).toThrow(/^webgpu: kernel \w+ /)
  })

  it('fails when the device is lost', async () => {
    const x = tf.square(tf.ones([2000]))
    internals().device.destroy()
    await expect(x.data()).rejects.toThrow(/^webgpu: the device was lost \(destroyed\)/)
  })

  it('lets the process end', () => {
    const script = `
      import { selectBackend } from '@alibi/backend'
      import * as tf from '@tensorflow/tfjs'
      await selectBackend('webgpu', { software: true })
      console.log((await tf.matMul(tf.ones([50, 50]), tf.ones([50, 50])).data())[7])`
    const { stdout, status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 30_000,
      cwd: new URL('..', import.meta.url),
    })
    expect({ stdout, status, signal }).toEqual({ stdout: '50\n', status: 0, signal: null })
  })
})

it('takes no software adapter unasked', async () => {
  const { VK_DRIVER_FILES } = process.env
  await selectBackend('webgpu').then(
    (backend) => expect(backend.webgpu!.software).toBe(false),
    (error: Error) => expect(error.message).toMatch(/software adapter|no GPU|webgpu/),
  )
  expect(process.env.VK_DRIVER_FILES).toBe(VK_DRIVER_FILES)
})
