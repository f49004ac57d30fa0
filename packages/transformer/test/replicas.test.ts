// What the replicas of a step compute together is what one process computes alone. Here one process is all of them in turn, and
// their sum is made by hand; the bench's tests have real ones.
import { alibi } from '@alibi/alibi'
import { none } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { createModel, createTrainer, type ModelConfig, type TrainerOptions } from '../src/index.js'
import { tiny, tokens } from './strategies.js'

interface Summing {
  sumReplicas?: (tensor: tf.Tensor) => tf.Tensor
}

beforeAll(async () => {
  await tf.setBackend('cpu')
})
afterEach(() => {
  delete (tf.backend() as Summing).sumReplicas
})

interface Case {
  readonly config?: Partial<ModelConfig>
  readonly options?: TrainerOptions
  readonly rows?: number
  readonly asked?: boolean
}

/** What a replica gives to the sum: its gradient, its share of the loss, and whether it wants to stop. */
async function partOf(index: number, count: number, { config, options, rows = 4, asked }: Case, stops = false) {
  const given: Float32Array[] = []
  const backend = tf.backend() as Summing
  backend.sumReplicas = (tensor) => {
    given.push(tensor.dataSync() as Float32Array)
    return tensor
  }
  const model = createModel({ ...tiny, ...config }, config?.causal === false ? none() : alibi({ numHeads: 2 }), 1)
  const replicas = { index, count, stopping: () => stops }
  const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-2 }, { ...options, replicas })
  const batch = Array.from({ length: rows }, (_, i) => tokens(i === 2 ? 6 : 8, i))
  const counts = batch.map((row) => Array.from({ length: row.length - 1 }, (_, i) => (i % 3 ? 1 : 0)))
  await trainer.trainStep(batch, asked ? counts : undefined)
  const { stopping } = trainer
  trainer.dispose()
  model.dispose()
  expect(given).toHaveLength(1)
  return { given: given[0]!, stopping }
}

const cases: readonly (readonly [string, Case])[] = [
  ['rows of two lengths', {}],
  ['rows that replicas do not divide', { rows: 5 }],
  ['fewer rows than replicas', { rows: 2 }],
  ['parts of a batch', { options: { microBatches: 3 }, rows: 6 }],
  ['dropout', { config: { dropout: 0.3 }, options: { microBatches: 3 }, rows: 6 }],
  ['an adaptive softmax', { config: { adaptiveCutoffs: [4, 7], adaptiveFactor: 2 } }],
  ['targets that do not count', { asked: true }],
  ['hidden tokens', { config: { causal: false }, options: { masked: { token: 9, share: 0.3 } } }],
  ['documents', { options: { documents: (row) => row.map((_, i) => (i < 3 ? 0 : 1)) } }],
]

it.each(cases)("gradients and losses of three replicas add up to one process's: %s", async (_, options) => {
  const { given: whole } = await partOf(0, 1, options)
  const parts = [await partOf(0, 3, options), await partOf(1, 3, options), await partOf(2, 3, options)]
  const sum = whole.map((_, i) => parts.reduce((total, { given }) => total + given[i]!, 0))
  expect(Math.abs(whole.at(-2)!)).toBeGreaterThan(0.1)
  for (const [i, value] of whole.entries()) expect(sum[i]).toBeCloseTo(value, 6)
})

it('one that wants to stop says so in the sum', async () => {
  for (const stops of [true, false]) {
    const { given, stopping } = await partOf(1, 2, {}, stops)
    expect(given.at(-1)).toBe(stops ? 1 : 0)
    expect(stopping).toBe(stops)
  }
})

it('refuses replicas that would not compute what one process does, and a step that nothing sums', async () => {
  const trainer = (options: TrainerOptions, config?: Partial<ModelConfig>) =>
    createTrainer(createModel({ ...tiny, ...config }, none(), 1), { kind: 'adamw', learningRate: 1e-2 }, options)
  expect(() => trainer({ replicas: { index: 2, count: 2 } })).toThrow(
    'createTrainer: expected replicas.index below 2, got 2',
  )
  expect(() => trainer({ replicas: { index: 0, count: 0 } })).toThrow('replicas.count')
  expect(() => trainer({ replicas: { index: 0, count: 2 }, microBatches: 3 }, { dropout: 0.1 })).toThrow(
    'createTrainer: expected microBatches that are a multiple of 2 replicas with dropout, so that they drop what one process would, got 3',
  )
  await expect(trainer({ replicas: { index: 0, count: 2 } }).trainStep([tokens(8)])).rejects.toThrow(
    /^trainStep: expected a compiler that sums over replicas, [^\n]+, got none$/,
  )
})
