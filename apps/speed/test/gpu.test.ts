import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { selectBackend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { watchKernels } from '../src/commands/gpu.js'
import { timed, usefulFlop, ways } from '../src/gpu/attention.js'
import { checkWays } from '../src/gpu/check.js'
import { costOf, isKnown } from '../src/gpu/cost.js'
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
  const counted = async (layers: number, batch: number, length: number, strategy = 'alibi') => {
    const start = await makeStart({ ...softwareSizes.training, layers, batch, length })
    const pass = await watchEvaluation(start, strategy)
    const tokens = await watchDecoding(start, 3, strategy)
    start.dispose()
    const names = new Set([pass, ...tokens].flat().map(({ dispatch }) => dispatch.name))
    // A kernel that the cost model does not know would be counted as nothing in particular.
    expect([...names].filter((name) => !isKnown(name))).toEqual([])
    return { pass: pass.length, tokens: tokens.map(({ length }) => length), names }
  }

  it.for([
    ['alibi', 17],
    ['t5-bias', 17],
    // Its queries and keys are turned by TensorFlow.js's programs where a cache is.
    ['rotary', 23],
  ] as const)(
    'of a pass and of a token are bounded, whatever the batch, the length and the cache: %s',
    async ([strategy, ofToken], { skip }) => {
      skip(unavailable !== undefined, unavailable)
      const one = await counted(1, 1, 8, strategy)
      expect(await counted(1, 3, 16, strategy)).toEqual(one)
      expect(new Set(one.tokens).size).toBe(1)
      const deep = await counted(2, 1, 8, strategy)
      expect(deep.pass - one.pass).toBeLessThanOrEqual(10)
      expect(deep.tokens[0]! - one.tokens[0]!).toBeLessThanOrEqual(ofToken)
      // From 449 tokens on there are as many tiles as it takes to look for keys without weight, where bias lets scores fall.
      const long = await counted(1, 1, 449, strategy)
      const bounds = strategy === 'rotary' ? 0 : 1
      expect(long.pass).toBe(one.pass + bounds)
      expect(long.tokens).toEqual(one.tokens.map((count) => count + bounds))
      expect(long.names.has('attention bounds')).toBe(bounds === 1)
    },
  )

  it('of a training step, a pass and a token are printed, each kernel with what is known of it', async ({ skip }) => {
    skip(unavailable !== undefined, unavailable)
    const print = vi.spyOn(console, 'log').mockImplementation(() => {})
    onTestFinished(() => print.mockRestore())
    const all = await watchKernels(softwareSizes.training, { copyBytesPerSecond: 1e9, productFlopPerSecond: 1e9 })
    expect(Object.keys(all)).toEqual(['a training step', 'a pass of evaluation', 'a token of decoding'])
    const tables = print.mock.calls.map(([table]) => `${table}`)
    expect(tables).toHaveLength(3)
    for (const [i, [what, kernels]] of Object.entries(all).entries()) {
      expect(tables[i]).toContain(`| ${what}, 32 tokens `)
      expect(kernels.map(({ name }) => name)).toEqual(expect.arrayContaining(['attention', 'layer norm', 'GELU']))
      for (const { name } of kernels) {
        expect(isKnown(name), name).toBe(true)
        expect(tables[i]).toContain(`\n| ${name} `)
      }
    }
    expect(isKnown('attention of another name')).toBe(false)
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
