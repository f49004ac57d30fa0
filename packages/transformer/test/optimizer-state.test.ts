import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createModel, createOptimizer, createTrainer, type OptimizerConfig } from '../src/index.js'
import { loadCheckpoint, readOptimizerState, saveCheckpoint } from '../src/node.js'

let folder: string
beforeAll(async () => {
  await tf.setBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'alibi-optimizer-'))
})
afterAll(() => rm(folder, { recursive: true }))

const rows = [Int32Array.of(1, 7, 3, 9), Int32Array.of(4, 4, 2, 0)]
const model = () =>
  createModel({ vocabularySize: 11, numLayers: 1, modelDim: 8, numHeads: 2 }, alibi({ numHeads: 2 }), 3)
const weights = ({ parameters }: ReturnType<typeof model>) => [...parameters.values()].map((each) => each.arraySync())

it.each<OptimizerConfig>([
  { kind: 'adamw', learningRate: 0.01, weightDecay: 0.1 },
  { kind: 'sgd-nesterov', learningRate: 0.01 },
])('goes on in another training as if there had been one: $kind', async (config) => {
  const whole = createTrainer(model(), config)
  for (let step = 0; step < 3; step++) await whole.trainStep(rows)

  const before = createTrainer(model(), config)
  for (let step = 0; step < 2; step++) await before.trainStep(rows)
  const path = join(folder, config.kind)
  await saveCheckpoint(path, before)
  const { trainer } = await loadCheckpoint(path, alibi({ numHeads: 2 }))
  const optimizerState = await readOptimizerState(path)
  const after = createTrainer(trainer.model, { ...config, stepsBefore: 2 }, { optimizerState })
  await after.trainStep(rows)
  expect(weights(after.model)).toEqual(weights(whole.model))
})

it('refuses steps before that are none', () => {
  expect(() => createOptimizer({ kind: 'adamw', learningRate: 1, stepsBefore: -1 }, new Map())).toThrow(
    'createOptimizer: expected an integer stepsBefore ≥ 0, got -1',
  )
})

it('refuses the state of another optimizer', async () => {
  const state = await readOptimizerState(join(folder, 'adamw'))
  const make = (optimizerState: typeof state) =>
    createTrainer(model(), { kind: 'sgd-nesterov', learningRate: 0.01 }, { optimizerState })
  expect(() => make(state)).toThrow('for sgd-nesterov, got none; it has firstMoment, secondMoment')
  const short = new Map([['velocity', { shape: [2], data: new Float32Array(2) }]])
  expect(() => make(short)).toThrow('optimizerState with velocity of')
})
