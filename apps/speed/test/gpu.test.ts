import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { selectBackend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import { timed, usefulFlop, ways } from '../src/gpu/attention.js'
import { checkWays } from '../src/gpu/check.js'
import { costOf } from '../src/gpu/cost.js'
import { softwareSizes } from '../src/gpu/sizes.js'
import { watch } from '../src/gpu/watch.js'
import { watchDecoding, watchEvaluation } from '../src/gpu/watched.js'
import { makeStart } from '../src/steps/start.js'

const unavailable = await selectBackend('webgpu', { software: true }).then(
  () => undefined,
  (error: Error) => error.message,
)
const shape = softwareSizes.attention[0]!

describe('on a software adapter', () => {
  it('every way is checked before it is timed', async ({ skip }) => {
    skip(unavailable !== undefined, unavailable)
    const errors = await checkWays({ ...shape, length: 33 })
    expect(Object.keys(errors)).toEqual(Object.keys(ways(shape)))
    // A check that compares nothing would find no error at all.
    for (const { forward } of Object.values(errors)) expect(forward).toBeGreaterThan(0)
  })

  it('times passes forward and backward without leaking', async ({ skip }) => {
    skip(unavailable !== undefined, unavailable)
    const before = tf.memory().numTensors
    for (const backward of [false, true]) {
      const contestant = timed('fused', shape, ways(shape)['fused, no bias']!, backward)
      expect(await contestant.run(2)).toBeGreaterThan(0)
      contestant.dispose()
    }
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('dispatches', () => {
  const counted = async (layers: number, batch: number, length: number) => {
    const start = await makeStart({ ...softwareSizes.training, layers, batch, length })
    const pass = await watchEvaluation(start)
    const tokens = await watchDecoding(start, 3)
    start.dispose()
    return { pass: pass.length, tokens: tokens.map(({ length }) => length) }
  }

  it('of a pass and of a token are bounded, whatever the batch, the length and the cache', async ({ skip }) => {
    skip(unavailable !== undefined, unavailable)
    const one = await counted(1, 1, 8)
    const wide = await counted(1, 3, 16)
    const deep = await counted(2, 1, 8)
    expect(wide).toEqual(one)
    expect(new Set(one.tokens).size).toBe(1)
    expect(deep.pass - one.pass).toBeLessThanOrEqual(10)
    expect(deep.tokens[0]! - one.tokens[0]!).toBeLessThanOrEqual(17)
  })

  it('are told with their shapes, and timed where the device has timestamps', async ({ skip }) => {
    skip(unavailable !== undefined, unavailable)
    const product = () => tf.tidy(() => tf.matMul(tf.ones([3, 4]), tf.ones([4, 5]))).data()
    const [watched] = (await watch(product)).filter(({ dispatch }) => dispatch.name.startsWith('MatMul'))
    expect(costOf(watched!.dispatch)).toEqual({ bytes: 4 * (12 + 20 + 15), operations: 2 * 15 * 4 })
    const timed = (tf.backend() as unknown as { device: GPUDevice }).device.features.has('timestamp-query')
    expect(watched!.seconds !== undefined).toBe(timed)
    // What watched is gone: nothing is recorded, and everything still runs.
    expect([...(await product())]).toEqual(Array(15).fill(4))
  })
})

it('counts the work of keys up to each query', () => {
  // 2 heads, 3 tokens, 4 dimensions: 6 pairs of query and key, 2 products of 4 multiplications and additions.
  expect(usefulFlop({ heads: 2, headDim: 4, length: 3, passes: 1, matrices: true }, false)).toBe(2 * 6 * 2 * 8)
})

it('says in one line that there is no GPU', ({ skip }) => {
  const speed = fileURLToPath(new URL('../bin/speed.js', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [speed, 'gpu', '--rounds', '0'], { encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stderr.trim()).toBe('speed: gpu: expected rounds ≥ 1, got 0')
  const none = spawnSync(process.execPath, [speed, 'gpu', '--out', '/dev/null'], { encoding: 'utf8', timeout: 20_000 })
  skip(none.status !== 1, 'this machine has a GPU')
  expect(none.stderr.trim()).toMatch(/^speed: gpu: .*--software[^\n]*$/)
})
