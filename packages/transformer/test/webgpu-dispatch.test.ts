// What becomes of a kernel of ours that the device refuses: an error with its name, never zeros.
import { selectBackend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Kernel, runKernel } from '../src/kernels/webgpu/dispatch.js'
import { flat, flatWorkgroups } from '../src/kernels/webgpu/grid.js'

const select = () => selectBackend('webgpu', { software: true })
const unavailable = await select().then(
  () => undefined,
  (error: Error) => error.message,
)

const kernel = (body: string, shape: number[]): Kernel => ({
  name: 'attention of a test',
  code: flat(body),
  inputs: [],
  outputs: [{ name: 'result', element: 'f32', shape }],
  uniforms: { size: 4 },
  workgroups: flatWorkgroups(4),
})

describe.skipIf(unavailable)(`a kernel${unavailable ? ` (skipped: ${unavailable})` : ''}`, () => {
  beforeEach(async () => {
    await select()
  })

  it('runs', async () => {
    expect([...(await runKernel(kernel('result[i] = f32(i);', [4]))[0]!.data())]).toEqual([0, 1, 2, 3])
  })

  it('is named by the error of WGSL that is invalid, and by what follows', async () => {
    expect(() => runKernel(kernel('result[i] = missing;', [4]))).toThrow(
      /^webgpu: kernel attention of a test failed: .*missing[^\n]*select the backend again$/,
    )
    expect(() => runKernel(kernel('result[i] = f32(i);', [4]))).toThrow('kernel attention of a test failed')
    await select()
    expect([...(await tf.add([1], [2]).data())]).toEqual([3])
  })

  it('is named by the error of too much memory', () => {
    // 8 GiB, which no device gives in one buffer.
    expect(() => runKernel(kernel('result[i] = f32(i);', [2 ** 16, 2 ** 15]))).toThrow(
      /^webgpu: kernel attention of a test /,
    )
  })
})
