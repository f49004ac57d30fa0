// What compiled passes of evaluation promise: the numbers of passes op by op, few graphs, and none that nobody uses.
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { afterEach, beforeAll, expect, it, onTestFinished } from 'vitest'
import { keepOutOfGraphs } from '../src/compiler.js'
import {
  type AttentionKernel,
  attentionKernels,
  createModel,
  createTrainer,
  type EvaluateOptions,
  evaluate,
  type Model,
  scoreAnswers,
} from '../src/index.js'
import { countCompiled, refuseGraphs } from './compilers.js'
import { strategies, strategiesOfEachKind, tiles, tiny, tokens } from './strategies.js'

const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
beforeAll(async () => {
  await tf.setBackend(unavailable ? 'cpu' : 'tensorflow')
})

const backendOf = () =>
  tf.backend() as unknown as {
    readonly binding: { getNumOfSavedModels(): number }
    readonly chains?: { numChains(): number; readonly instructionSets: readonly string[] }
  }
const savedModels = () => backendOf().binding.getNumOfSavedModels()
/** Graphs that there are now: TensorFlow's, which may have chains inside, or chains of operations without one. No test here has both. */
const graphs = () => savedModels() || (backendOf().chains?.numChains() ?? 0)

/** Ops of each graph that a test makes. */
const made = countCompiled()

const models: Model[] = []
function make(...args: Parameters<typeof createModel>): Model {
  const model = createModel(...args)
  models.push(model)
  return model
}
afterEach(() => {
  for (const model of models.splice(0)) model.dispose()
  if (!unavailable) expect(graphs()).toBe(0)
})

/** An evaluation by graphs and one op by op, which must agree. */
async function both(model: Model, length: number, options: Omit<EvaluateOptions, 'compile' | 'onFallback'>) {
  const onFallback = (reason: string) => expect.fail(reason)
  const compiled = await evaluate(model, tokens(length), { ...tiles, ...options, compile: true, onFallback })
  const plain = await evaluate(model, tokens(length), { ...tiles, ...options, compile: false })
  expect(compiled.lossNats).toBeAllclose(plain.lossNats, { rtol: 1e-6 })
  // Each sum of a few windows is made in fp32, in another order.
  expect(compiled.byPlace.lossNats).toBeAllclose(plain.byPlace.lossNats, { rtol: 1e-5, atol: 1e-5 })
  for (const name of ['tokens', 'peakBytes', 'attentionNames'] as const) expect(compiled[name]).toEqual(plain[name])
  expect(compiled.byPlace.tokens).toEqual(plain.byPlace.tokens)
  return compiled
}

/** The most ops of a pass of two layers without positions, and what strategies may add: a change that adds ops must say so here. */
const OPS = 46
// biome-ignore format: a table
const ADDED: Readonly<Record<string, number>> = {
  'kerple-log': 16, 'kerple-power': 24, fire: 256, 'linear + distance, both scopes': 12, gate: 36, terms: 294,
  'soft cap of a table by layer': 104,
}
it.for(strategiesOfEachKind)('scores as graphs what it scores op by op: %s', async ([name, strategy], { skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, strategy, 3)
  // Two whole batches, and one that is filled up.
  await both(model, 57, { evalLength: 8, batchTokens: 24 })
  expect(graphs()).toBe(1)
  const isFast = ![undefined, 'plain'].includes(backendOf().chains?.instructionSets[0])
  expect(savedModels()).toBe(Number(!isFast))
  // Made once, and not again for other numbers.
  expect(made()).toHaveLength(1)
  expect(made()[0]).toBeLessThanOrEqual(OPS + (ADDED[name] ?? 4))
})

it.for(strategies.filter(([name]) => ['alibi', 'rotary', 'fire', 'gate'].includes(name)))(
  'slides as graphs as it does op by op: %s',
  async ([, strategy], { skip }) => {
    skip(unavailable !== undefined, unavailable)
    const slides = { evalLength: 8, protocol: 'sliding', stride: 3, batchTokens: 24 } as const
    await both(make(tiny, strategy, 3), 32, { ...slides, attentionWindow: 5 })
    // The first window, those in between, and the last.
    expect(graphs()).toBe(3)
  },
)

it('scores adaptive softmaxes, in one part or several', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(
    { ...tiny, vocabularySize: 11, adaptiveCutoffs: [4, 8], adaptiveFactor: 2 },
    alibi({ numHeads: 2 }),
  )
  await both(model, 101, { evalLength: 10, batchTokens: 40 })
})

it('reads with the native kernel where it is', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }))
  const options = { evalLength: 1024, batchTokens: 1024 }
  const read = (compile: boolean) => evaluate(model, tokens(2049), { ...options, compile })
  const [graph, plain] = [await read(true), await read(false)]
  expect([graph.attentionNames[0], plain.attentionNames[0]]).toEqual(['native', 'native'])
  expect(graph.lossNats).toBeAllclose(plain.lossNats, { rtol: 1e-6 })
  const tiled = await evaluate(model, tokens(2049), { ...options, attentionKernels: ['tiled'] })
  expect(graph.lossNats).toBeAllclose(tiled.lossNats, { rtol: 1e-6 })
})

it('reads all keys of some thousand tokens, where a graph beats skipping op by op', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  // As on a GPU, for which there is no native kernel.
  const backend = tf.backend()
  Object.assign(backend, { operations: undefined })
  onTestFinished(() => void Object.assign(backend, { operations: true }))
  const model = make(tiny, alibi({ numHeads: 2 }))
  const options = { evalLength: 1024, batchTokens: 1024 }
  const read = (compile: boolean) => evaluate(model, tokens(2049), { ...options, compile })
  const [graph, plain] = [await read(true), await read(false)]
  expect([graph.attentionNames[0], plain.attentionNames[0]]).toEqual(['tiled', 'skipping'])
  expect(graph.lossNats).toBeAllclose(plain.lossNats, { rtol: 1e-6 })
  const named = await evaluate(model, tokens(2049), { ...options, compile: true, attentionKernels: ['skipping'] })
  expect(named.attentionNames[0]).toBe('skipping')
  expect(graphs()).toBe(1)
})

it('runs op by op what a graph cannot hold, and says why', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const reading: AttentionKernel = {
    ...attentionKernels.find(({ name }) => name === 'tiled')!,
    name: 'reading',
    run(problem, inputs) {
      inputs.q.dataSync()
      return attentionKernels.find(({ name }) => name === 'tiled')!.run(problem, inputs)
    },
  }
  const model = make(tiny, alibi({ numHeads: 2 }))
  const reasons: string[] = []
  const options = { evalLength: 8, attentionKernels: [reading], onFallback: (why: string) => void reasons.push(why) }
  const { lossNats } = await evaluate(model, tokens(33), { ...options, compile: true })
  expect(reasons).toEqual([expect.stringMatching(/^the step reads the result of \w+ on the host$/)])
  expect(lossNats).toBeAllclose((await evaluate(model, tokens(33), { ...options, compile: false })).lossNats)
  expect(graphs()).toBe(0)
})

it('says each reason once a model, of whatever batches, lengths and evaluations', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const tiled = attentionKernels.find(({ name }) => name === 'tiled')!
  const refusing: AttentionKernel = {
    ...tiled,
    name: 'refusing',
    run(problem, inputs) {
      keepOutOfGraphs(`no graph of ${inputs.q.shape[2]} tokens`)
      return tiled.run(problem, inputs)
    },
  }
  const model = make(tiny, alibi({ numHeads: 2 }))
  const reasons: string[] = []
  const onFallback = (reason: string) => void reasons.push(reason)
  const options = { evalLength: 8, batchTokens: 16, attentionKernels: [refusing], compile: true }
  await evaluate(model, tokens(33), options)
  // Four batches of whole windows and a shorter one, again with other graphs, and in another length.
  for (const queriesPerTile of [undefined, undefined, 5])
    await evaluate(model, tokens(68), { ...options, queriesPerTile, onFallback })
  await evaluate(model, tokens(33), { ...options, evalLength: 4, onFallback })
  const said = [8, 3, 4].map((length) => `no graph of ${length} tokens`)
  expect(reasons).toEqual(said)
  await evaluate(make(tiny, alibi({ numHeads: 2 })), tokens(33), { ...options, onFallback })
  expect(reasons).toEqual([...said, said[0]])
})

it('says why what streams runs op by op', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }))
  const reasons: string[] = []
  const onFallback = (reason: string) => void reasons.push(reason)
  const streams = { evalLength: 8, protocol: 'streaming', onFallback } as const
  await evaluate(model, tokens(33), { ...streams, compile: false })
  expect(reasons).toEqual([])
  for (let i = 0; i < 2; i++) await evaluate(model, tokens(33), streams)
  expect(reasons).toEqual(['streaming windows read a cache that grows, which no graph holds'])
})

it('reads the weights of now, without a graph for each', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }))
  const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-1 })
  const seen = new Set<number>()
  for (let i = 0; i < 3; i++) {
    await trainer.trainStep([tokens(9)])
    seen.add((await both(model, 49, { evalLength: 8, batchTokens: 16 })).lossNats)
  }
  expect(seen.size).toBe(3)
  expect(graphs()).toBe(1)
  expect(made()).toHaveLength(1)
  trainer.dispose()
})

it('keeps the graphs of a few shapes and ways of reading', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }))
  const before = tf.memory().numTensors
  for (let evalLength = 4; evalLength < 11; evalLength++)
    await evaluate(model, tokens(4 * evalLength + 1), { evalLength, batchTokens: 2 * evalLength, compile: true })
  expect(graphs()).toBe(6)
  for (let attentionWindow = 1; attentionWindow < 6; attentionWindow++)
    await evaluate(model, tokens(33), { evalLength: 8, batchTokens: 16, attentionWindow, compile: true })
  // The first way of reading is forgotten, with its six shapes.
  expect(graphs()).toBe(4)
  expect(tf.memory().numTensors).toBe(before)
})

it('makes no graph of what is read once', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }))
  await evaluate(model, tokens(2000), { evalLength: 8, batchTokens: 64 })
  expect(graphs()).toBe(0)
  await evaluate(model, tokens(8193), { evalLength: 16, batchTokens: 2048 })
  expect(graphs()).toBe(1)
})

it('scores answers as graphs what it scores op by op, from the third pass of a shape on', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const texts = [10, 12].map((length, i) => ({ tokens: tokens(length, i), answerLength: 2 + i }))
  for (const model of [
    make(tiny, alibi({ numHeads: 2 }), 3),
    make({ ...tiny, adaptiveCutoffs: [4, 8], adaptiveFactor: 2 }, alibi({ numHeads: 2 }), 3),
  ]) {
    const before = graphs()
    const plain = await scoreAnswers(model, texts, { compile: false })
    for (const count of [0, 0, 1, 1]) {
      const scores = await scoreAnswers(model, texts)
      expect(graphs() - before).toBe(count)
      expect(made()).toHaveLength(before + count)
      for (const [i, { lossNats, firstChoices }] of scores.entries()) {
        expect(lossNats).toBeAllclose(plain[i]!.lossNats, { rtol: 1e-5 })
        expect(firstChoices).toEqual(plain[i]!.firstChoices)
      }
    }
  }
})

it('scores long answers as graphs, unless skipping keys op by op is faster', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const backend = tf.backend() as unknown as { readonly operations?: boolean }
  skip(!backend.operations, 'TensorFlow has no operations of ours here')
  const texts = [{ tokens: tokens(8193), answerLength: 2 }]
  const long = { ...tiny, numLayers: 1 }
  const onFallback = (reason: string) => expect.fail(reason)
  const scoresOf = () => scoreAnswers(make(long, alibi({ numHeads: 2 }), 3), texts, { compile: true, onFallback })
  const [native] = await scoresOf()
  expect(graphs()).toBe(1)
  // As on a GPU, for which there is no native kernel.
  Object.assign(backend, { operations: undefined })
  onTestFinished(() => void Object.assign(backend, { operations: true }))
  const [skipping] = await scoresOf()
  expect(graphs()).toBe(1)
  expect(skipping!.lossNats).toBeAllclose(native!.lossNats, { rtol: 1e-5 })
})

it('says once why answers are scored op by op', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  refuseGraphs((inputs) => `no graph of ${inputs[0]!.shape[0]} texts`)
  const model = make(tiny, alibi({ numHeads: 2 }), 3)
  const text = { tokens: tokens(10), answerLength: 2 }
  const reasons: string[] = []
  const onFallback = (reason: string) => void reasons.push(reason)
  for (const texts of [[text], [text, text], [text], [text, text]])
    await scoreAnswers(model, texts, { compile: true, onFallback })
  expect(reasons).toEqual(['no graph of 1 texts', 'no graph of 2 texts'])
  await expect(scoreAnswers(model, [text], { onFallback: 'log' as never })).rejects.toThrow(
    'scoreAnswers: expected onFallback as a function, got log',
  )
})
