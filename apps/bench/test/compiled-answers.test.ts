// Answers that repeat are scored and generated as graphs, few of them, and what runs op by op says why.
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import type { PositionStrategy } from '@alibi/core'
import { builtInStrategies } from '@alibi/strategies'
import { createModel, type Model } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { countCompiled, refuseGraphs } from '../../../packages/transformer/test/compilers.js'
import { openTask } from '../src/data/tasks/open.js'
import { byteTokenizer } from '../src/data/tokenizer/tokenizer.js'
import { ablateContext } from '../src/experiment/context-ablation.js'
import { tryRetrieval } from '../src/experiment/retrieval.js'
import { type Scoring, tryTask } from '../src/experiment/tasks.js'

const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
beforeAll(async () => {
  await tf.setBackend(unavailable ? 'cpu' : 'tensorflow')
})
const made = countCompiled()

const models: Model[] = []
function make(strategy: PositionStrategy = alibi({ numHeads: 2 })): Model {
  const model = createModel({ vocabularySize: 256, numLayers: 1, modelDim: 8, numHeads: 2 }, strategy, 3)
  models.push(model)
  return model
}
const said: string[] = []
const work = {
  progress: { line: (text: string) => void said.push(text), start() {}, update() {}, stop() {} },
  signal: new AbortController().signal,
}
afterEach(() => {
  for (const model of models.splice(0)) model.dispose()
  said.splice(0)
})

const cell = { strategy: 'alibi', trainLength: 8, seed: 1, size: '1x8x2' }
const retrieve = (model: Model, evalLength: number) =>
  tryRetrieval(model, cell, { task: 'passkey', evalLength, distance: 64 }, work)
const copying = await openTask('copy', { log() {} })
const copy = (model: Model, trials: number, how: Scoring, evalLength = 1024) =>
  tryTask(model, { cell, task: copying, tokenizer: byteTokenizer, evalLength, trials, scoring: [how] }, work)

it('makes one graph of each length of retrieval', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make()
  // 50 trials, of which 32 and 8 are read at a time: two passes, which is too few, and seven.
  await retrieve(model, 128)
  expect(made()).toHaveLength(0)
  await retrieve(model, 512)
  await retrieve(model, 512)
  expect(made()).toHaveLength(1)
  expect(said).toEqual([])
})

it('makes one graph of a task by likelihood', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make()
  for (let i = 0; i < 2; i++) await copy(model, 16, 'likelihood')
  expect(made()).toHaveLength(1)
})

it('makes one graph of tasks by generation, however short their answers, where all together are worth it', async ({
  skip,
}) => {
  skip(unavailable !== undefined, unavailable)
  const model = make()
  // Answers of 5 tokens with the end.
  await copy(model, 6, 'generation', 16)
  expect(made()).toHaveLength(0)
  const [compiled] = await copy(model, 7, 'generation', 16)
  await copy(model, 20, 'generation', 16)
  expect(made()).toHaveLength(1)
  expect((await copy(make(), 7, 'likelihood', 16))[0]!.score).toBe(compiled!.score)
  expect(said).toEqual([])
})

it('says once why answers run op by op', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const variants = { it: { use: 'shaw', options: {} } }
  const shaw = make(builtInStrategies.make('it', { numHeads: 2, modelDim: 8, trainLength: 8, variants }))
  for (let i = 0; i < 2; i++) await copy(shaw, 8, 'generation', 16)
  expect(said.splice(0)).toEqual(['decodes op by op: relative terms are not computed over a cache of slots'])
  refuseGraphs(() => 'mine')
  const model = make()
  for (let i = 0; i < 2; i++) await retrieve(model, 512)
  await copy(model, 16, 'likelihood')
  expect(said.splice(0)).toEqual(['evaluation runs op by op: mine'])
  const tokens = Int32Array.from({ length: 2000 }, (_, i) => (i * i) % 251)
  const first = { mark: 'none', token: undefined } as const
  await ablateContext(make(), { cell, tokens, evalLength: 1024, maxTokens: 16 * 128, first }, work)
  expect(said).toEqual(['evaluation runs op by op: mine'])
})
