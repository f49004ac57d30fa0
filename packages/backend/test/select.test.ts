import * as tf from '@tensorflow/tfjs'
import { expect, it } from 'vitest'
import { type BackendName, selectBackend } from '../src/index.js'
import { checkTensorflow } from '../src/setup/setup.js'

it('uses the backend it is asked for and says why not the others', async () => {
  const backend = await selectBackend('cpu')
  expect(tf.getBackend()).toBe('cpu')
  expect(backend).toMatchObject({ name: 'cpu', isGpu: false, package: '@tensorflow/tfjs-backend-cpu' })
  expect(backend.passedOver).toEqual([
    { name: 'tensorflow', reason: 'cpu was asked for' },
    { name: 'webgpu', reason: 'cpu was asked for' },
    { name: 'wasm', reason: 'cpu was asked for' },
  ])
})

it('takes the first that works, with a reason for each other', async () => {
  const backend = await selectBackend()
  expect(tf.getBackend()).toBe(backend.name)
  expect(backend.passedOver).toHaveLength(3)
  for (const { reason } of backend.passedOver) expect(reason).toMatch(/^[^\n]+$/)
})

it('refuses an unknown name', async () => {
  await expect(selectBackend('webgl' as BackendName)).rejects.toThrow(
    'selectBackend: expected auto, tensorflow, webgpu, wasm, cpu, got webgl',
  )
})

const unprepared = await checkTensorflow().then(
  () => undefined,
  (error: Error) => error.message,
)

it('computes with TensorFlow', async ({ skip }) => {
  skip(unprepared !== undefined, unprepared)
  const backend = await selectBackend('tensorflow')
  expect(backend.version).toMatch(/^\d+\.\d+/)
  expect([...(await tf.matMul([[1, 2]], [[3], [4]]).data())]).toEqual([11])
})
