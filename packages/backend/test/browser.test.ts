// What the browser's entry does where there is no browser: a real one runs it in apps/playground's tests.
import * as tf from '@tensorflow/tfjs'
import { expect, it } from 'vitest'
import { type BrowserBackendName, selectBackend } from '../src/browser.js'

it('takes WebAssembly where there is no WebGPU, with a reason for each other', async () => {
  const backend = await selectBackend()
  expect(tf.getBackend()).toBe('wasm')
  expect(backend).toMatchObject({ name: 'wasm', isGpu: false, package: '@tensorflow/tfjs-backend-wasm' })
  expect(backend.passedOver).toEqual([
    { name: 'webgpu', reason: expect.stringContaining('no WebGPU') },
    { name: 'cpu', reason: 'wasm is faster' },
  ])
})

it('has only the backends that browsers have', async () => {
  await expect(selectBackend('tensorflow' as BrowserBackendName)).rejects.toThrow(
    'selectBackend: expected auto, webgpu, wasm, cpu, got tensorflow',
  )
  await expect(selectBackend('webgpu')).rejects.toThrow('expected webgpu to work here, got: this browser has no WebGPU')
})
