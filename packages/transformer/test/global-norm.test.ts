import { type BackendName, selectBackend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { expect, it } from 'vitest'
import { globalNorm } from '../src/training/global-norm.js'

/** Parameters of a mid-sized model: the numbers of one gradient. */
const SIZE = 5e7

/** Of several sizes, so that small squares are added to a large sum. */
const PERIOD = 1000
const values = Float32Array.from({ length: PERIOD }, (_, i) => 10 ** ((i % 5) - 5) * (1 + i / PERIOD))

it.for<BackendName>(['wasm', 'tensorflow'])('is right to 1e-6 at 5·10⁷ numbers on %s', async (name, { skip }) => {
  const unavailable = await selectBackend(name).then(
    () => undefined,
    (error: Error) => error.message,
  )
  skip(unavailable !== undefined, unavailable)
  const expected = Math.sqrt((SIZE / PERIOD) * values.reduce((sum, x) => sum + x * x, 0))
  const [norm] = tf.tidy(() => globalNorm(tf.tile(tf.tensor1d(values), [SIZE / PERIOD])).dataSync())
  expect(Math.abs(norm! / expected - 1)).toBeLessThan(1e-6)
})

it('adds up in parts on webgpu, the last one short', async ({ skip }) => {
  const unavailable = await selectBackend('webgpu', { software: true }).then(
    () => undefined,
    (error: Error) => error.message,
  )
  skip(unavailable !== undefined, unavailable)
  for (const size of [1, 4096, 1_000_003]) {
    const numbers = Float32Array.from({ length: size }, (_, i) => values[i % PERIOD]!)
    const expected = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0))
    const norm = globalNorm(tf.tensor1d(numbers))
    const [got] = await norm.data()
    expect(Math.abs(got! / expected - 1), `${size}`).toBeLessThan(1e-6)
  }
})
