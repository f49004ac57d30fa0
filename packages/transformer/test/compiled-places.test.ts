// Steps and passes whose positions or documents move run as one graph, with the numbers of op by op.
import { compile, selectBackend } from '@alibi/backend'
import { seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, it } from 'vitest'
import { createModel, createTrainer, evaluate, type StepCompiler, type TrainerOptions } from '../src/index.js'
import { strategies, strategiesOfEachKind, tiles, tiny, tokens } from './strategies.js'

const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
beforeAll(async () => {
  await tf.setBackend(unavailable ? 'cpu' : 'tensorflow')
})

/** Ascending, with gaps, other ones for each number. */
function positions(number: number, length: number): Int32Array {
  const random = seededRandom(number)
  let last = -1
  return Int32Array.from({ length }, () => {
    last += 1 + Math.floor(4 * random())
    return last
  })
}

/** A document ends with each 7. */
function documents(row: Int32Array): Int32Array {
  let id = 0
  return row.map((token) => (token === 7 ? ++id : id))
}

const small = { ...tiny, numLayers: 1 }

/** The losses of some steps, and how many graphs they took; undefined op by op. */
async function train(strategy: (typeof strategies)[number][1], options: TrainerOptions, compiled: boolean) {
  let graphs = 0
  const compiler: StepCompiler = (step, variables) =>
    compile(step, variables, { xla: false, onCompile: () => graphs++, onFallback: (reason) => expect.fail(reason) })
  const model = createModel(small, strategy, 5)
  const all = { ...tiles, ...options, ...(compiled && { compile: compiler }) }
  const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-2 }, all)
  const losses: number[] = []
  for (let i = 0; i < 4; i++) losses.push(await trainer.trainStep([tokens(12, i), tokens(12, i + 4)]))
  trainer.dispose()
  model.dispose()
  return { losses, graphs }
}

/** One of each way in which the host's numbers enter a pass. */
// biome-ignore format: a table
const MOVING = [
  'alibi', 'alibi, nonsymmetric', 'learned', 'rotary', 'xpos', 't5-bias, per layer', 'fire', 'gate', 'window and sinks',
  'soft cap of a table by layer',
]
const moving = strategiesOfEachKind.filter(([name]) => MOVING.includes(name))

it.for(moving)('trains at positions of each step: %s', async ([, strategy], { skip }) => {
  skip(unavailable !== undefined, unavailable)
  const compiled = await train(strategy, { positions }, true)
  expect(compiled.graphs).toBe(1)
  expect(compiled.losses).toBeAllclose((await train(strategy, { positions }, false)).losses, { rtol: 1e-5 })
})

it.for(moving)('trains on documents of each step: %s', async ([, strategy], { skip }) => {
  skip(unavailable !== undefined, unavailable)
  const compiled = await train(strategy, { documents, microBatches: 2 }, true)
  expect(compiled.graphs).toBe(1)
  const plain = await train(strategy, { documents, microBatches: 2 }, false)
  expect(compiled.losses).toBeAllclose(plain.losses, { rtol: 1e-5 })
})

it.for(moving)('evaluates at positions of each batch: %s', async ([, strategy], { skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = createModel(small, strategy, 5)
  const options = { ...tiles, evalLength: 8, batchTokens: 16, positions }
  const onFallback = (reason: string) => expect.fail(reason)
  const compiled = await evaluate(model, tokens(65), { ...options, compile: true, onFallback })
  const plain = await evaluate(model, tokens(65), { ...options, compile: false })
  expect(compiled.byPlace.lossNats).toBeAllclose(plain.byPlace.lossNats, { rtol: 1e-5 })
  model.dispose()
})

it('runs op by op what has other numbers of numbers in each run, and says why', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = createModel(small, strategies.find(([name]) => name === 'terms')![1], 5)
  const reasons: string[] = []
  const compiler: StepCompiler = (step, variables) =>
    compile(step, variables, { onFallback: (reason) => void reasons.push(reason) })
  const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-2 }, { positions, compile: compiler })
  for (let i = 0; i < 2; i++) await trainer.trainStep([tokens(12, i)])
  expect(reasons).toEqual(['relative terms at positions that move have other distances in each run'])
  trainer.dispose()
  model.dispose()
})
