// Whole models on webgpu: on a software adapter (Debian's package chromium brings one) where there is no GPU.
import { selectBackend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import { attentionNames, createKvCache, createModel, createTrainer } from '../src/index.js'
import { strategies, strategiesOfEachKind, tiles, tiny, tokens } from './strategies.js'

// What it is compared with, and then what is compared.
const other = await selectBackend('tensorflow').catch(() => selectBackend('cpu'))
const unavailable = await selectBackend('webgpu', { software: true }).then(
  () => undefined,
  (error: Error) => error.message,
)
type Strategy = (typeof strategies)[number][1]

/** Much less for a software adapter. */
const small = { ...tiny, numLayers: 1 }

// For matrices of so few numbers TensorFlow.js has a product of its own, which takes a software adapter ten times as long as
// the one that all larger matrices get.
if (unavailable === undefined) tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', 3)

async function train(backend: string, strategy: Strategy, steps: number): Promise<number[]> {
  await tf.setBackend(backend)
  const model = createModel(small, strategy, 5)
  const trainer = createTrainer(model, { kind: 'adamw', learningRate: 3e-3, clipNorm: 1, weightDecay: 0.1 }, tiles)
  const losses: number[] = []
  for (let i = 0; i < steps; i++) losses.push(await trainer.trainStep([tokens(8, i), tokens(8, i + 4)]))
  trainer.dispose()
  model.dispose()
  return losses
}

// A software adapter is slow.
describe.each(strategiesOfEachKind)('%s', (_name, strategy) => {
  it(`trains to the losses of ${other.name} over 50 steps`, async ({ skip }) => {
    skip(unavailable !== undefined, unavailable)
    // The project's bound on what rounding comes to in 50 updates.
    const want = await train(other.name, strategy, 50)
    expect(await train('webgpu', strategy, 50)).toBeAllclose(want, { rtol: 1e-4 })
  })

  it('decodes from a cache what it computes at once', async ({ skip }) => {
    skip(unavailable !== undefined, unavailable)
    await tf.setBackend('webgpu')
    const model = createModel(small, strategy, 3)
    const whole = model.forward([tokens(9)], tiles)
    const cache = createKvCache()
    // A prompt in two chunks, then token by token.
    const parts = [tokens(4), tokens(3, 4), tokens(1, 7), tokens(1, 8)].map((part) => model.forward([part], { cache }))
    expect(await tf.concat(parts).data()).toBeAllclose((await whole.data()) as Float32Array, { rtol: 1e-4, atol: 1e-5 })
    cache.dispose()
    model.dispose()
  })
})

it('trains from queries, keys and values in float16, in less memory', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  await tf.setBackend('webgpu')
  const [, strategy] = strategies.find(([name]) => name === 'rotary')!
  const L = 64
  const pass = async (attentionStorage: 'float32' | 'float16') => {
    const model = createModel(tiny, strategy, 3)
    let bytes = 0
    const { value, grads } = tf.variableGrads(() => {
      const loss = tf.mean(tf.square(model.forward([tokens(L)], { attentionStorage })))
      bytes = tf.memory().numBytes
      return loss as tf.Scalar
    })
    const gradients = await Promise.all(Object.values(grads).map((x) => x.data<'float32'>()))
    const [loss] = await value.data()
    tf.dispose([grads, value])
    model.dispose()
    return { loss: loss!, gradients, bytes }
  }
  const [exact, half] = [await pass('float32'), await pass('float16')]
  // Of each layer, queries, keys and values take 2 bytes a number less.
  expect(exact.bytes - half.bytes).toBe(2 * tiny.numLayers * 3 * tiny.modelDim * L)
  // Numbers rounded by 2⁻¹² at most, times how far attention carries it: a few times that. The gradients' scale is their largest.
  expect(half.loss).toBeAllclose(exact.loss, { rtol: 2e-3 })
  exact.gradients.forEach((want, i) => {
    const scale = want.reduce((top, x) => Math.max(top, Math.abs(x)), 1e-6)
    expect(half.gradients[i]!.map((x) => x / scale)).toBeAllclose(
      want.map((x) => x / scale),
      { rtol: 0, atol: 1e-2 },
    )
  })
  expect(half.loss).not.toBe(exact.loss)
})

/** What the device is asked for; of tfjs-backend-webgpu 4.22. */
interface BufferManager {
  acquireBuffer(size: number, ...rest: unknown[]): GPUBuffer
  readonly numBytesUsed: number
}

it('fuses gates and windows, and computes other content tile by tile', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  await tf.setBackend('webgpu')
  const names = (name: string) => {
    const model = createModel(tiny, strategies.find(([each]) => each === name)![1])
    const chosen = attentionNames(model, { length: 16, trains: true })
    model.dispose()
    return chosen
  }
  for (const each of ['gate', 'window', 'window and sinks']) expect(names(each), each).toEqual(['fused', 'fused'])
  expect(names('soft cap of a table by layer')).toEqual(['general', 'fused'])
  for (const each of ['terms', 'sink logit', 'stick-breaking'])
    expect(names(each), each).toEqual(['general', 'general'])
  expect(names('fire')).toEqual(['tiled', 'tiled'])
})

const FUSED = ['alibi', 'alibi, learned', 'rotary', 't5-bias', 'gate']
it.for(strategies.filter(([name]) => FUSED.includes(name)))(
  'trains in memory that grows no faster than the text, with no buffer of its square: %s',
  async ([, strategy], { skip }) => {
    skip(unavailable !== undefined, unavailable)
    await tf.setBackend('webgpu')
    const { bufferManager } = tf.backend() as unknown as { bufferManager: BufferManager }
    const acquire = bufferManager.acquireBuffer
    const step = async (length: number) => {
      const model = createModel(small, strategy)
      const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-3 })
      let [peak, largest] = [0, 0]
      bufferManager.acquireBuffer = function (size, ...rest) {
        const buffer = acquire.call(this, size, ...rest)
        largest = Math.max(largest, size)
        peak = Math.max(peak, this.numBytesUsed)
        return buffer
      }
      try {
        await trainer.trainStep([tokens(length + 1)])
      } finally {
        bufferManager.acquireBuffer = acquire
        trainer.dispose()
        model.dispose()
      }
      return { peak, largest }
    }
    await step(8)
    const [short, long] = [await step(600), await step(1200)]
    // The widest of what a token has: the hidden layer of the MLP.
    expect(long.largest).toBe(1200 * 4 * small.modelDim * 4)
    expect(long.peak / short.peak).toBeLessThan(2.05)
  },
)

/** Those that add most: trained slopes, rotations, a table for each layer. */
const COUNTED = ['none', 'alibi', 'alibi, learned', 'rotary', 't5-bias, per layer']

// From 449 tokens on attention looks for keys without weight, which takes kernels of its own.
const COUNTS = [
  { length: 9, names: COUNTED },
  { length: 449, names: ['alibi, learned', 't5-bias, per layer'] },
]
it.for(COUNTS)(
  'has few dispatches a training step of 6 layers and $length tokens, whatever the strategy',
  async ({ length, names }, { skip }) => {
    skip(unavailable !== undefined, unavailable)
    await tf.setBackend('webgpu')
    const passes = Object.getPrototypeOf(
      (tf.backend() as unknown as { device: GPUDevice }).device.createCommandEncoder().beginComputePass(),
    ) as GPUComputePassEncoder
    const dispatch = passes.dispatchWorkgroups
    const counts: Record<string, number> = {}
    try {
      for (const [name, strategy] of strategies.filter(([name]) => names.includes(name))) {
        const model = createModel({ ...tiny, numLayers: 6 }, strategy)
        const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-3, clipNorm: 1, weightDecay: 0.1 })
        // The first one also reads all weights, to see that they are finite.
        await trainer.trainStep([tokens(length + 1)])
        counts[name] = 0
        passes.dispatchWorkgroups = function (...args) {
          counts[name]!++
          return dispatch.apply(this, args)
        }
        await trainer.trainStep([tokens(length + 1)])
        passes.dispatchWorkgroups = dispatch
        trainer.dispose()
        model.dispose()
      }
    } finally {
      passes.dispatchWorkgroups = dispatch
    }
    for (const [name, count] of Object.entries(counts)) expect(count, name).toBeLessThanOrEqual(300)
  },
)
