// What compiled decoding promises: the tokens of decoding op by op, one graph for many lengths, and none that nobody uses.
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { afterEach, beforeAll, expect, it } from 'vitest'
import {
  createKvCache,
  createModel,
  createTextCache,
  createTrainer,
  type GenerateOptions,
  generate,
  type Model,
} from '../src/index.js'
import { startDecoder } from '../src/inference/decoder.js'
import { leftPadded } from '../src/inference/left-padded.js'
import { countCompiled, refuseGraphs } from './compilers.js'
import { strategies, tiny, tokens } from './strategies.js'

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
    readonly chains?: { numChains(): number }
  }
/** Graphs that TensorFlow holds now, and passes that are a chain of operations without a graph. */
const graphs = () => backendOf().binding.getNumOfSavedModels() + (backendOf().chains?.numChains() ?? 0)

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

/** Continues a prompt by a graph and op by op. */
async function both(model: Model, prompt: Int32Array, options: Omit<GenerateOptions, 'compile'>) {
  const compiled = await generate(model, prompt, { ...options, compile: true })
  expect([...compiled]).toEqual([...(await generate(model, prompt, { ...options, compile: false }))])
}

/** The logits of tokens after prompts, by a graph and op by op; of each step, prompt after prompt. */
async function logitsOf(model: Model, prompts: Int32Array[], next: Int32Array, compile: boolean): Promise<number[]> {
  const cache = createKvCache()
  const { rows, padding } = leftPadded(prompts)
  model.forward(rows, { cache, padding }).dispose()
  const decoder = startDecoder(model, cache, { maxNewTokens: next.length, compile, batchSize: rows.length, padding })
  const all: number[] = []
  for (const token of next) {
    const fed = rows.map(() => Int32Array.of(token))
    const opByOp = () => tf.tidy(() => model.logits(model.forward(fed, { cache, padding })).dataSync())
    all.push(...(decoder ? await decoder.next(Int32Array.from(rows, () => token)) : opByOp()))
  }
  expect(decoder !== undefined).toBe(compile)
  decoder?.release()
  cache.dispose()
  return all
}

/** Both compute in fp32, in other orders. */
const BOUND = { rtol: 1e-5, atol: 1e-5 }

// biome-ignore format: a table
const DECODED = [
  'none', 'alibi', 'alibi, learned', 'sinusoidal', 'rotary', 'xpos', 't5-bias, per layer', 'fire', 'gate',
  'window and sinks', 'soft cap of a table by layer', 'stick-breaking', 'gate, bias, window and sink',
]

/** The most ops of a token in two layers without positions, and what strategies may add: a change that adds ops must say so here. */
const OPS = 70
// biome-ignore format: a table
const ADDED: Readonly<Record<string, number>> = {
  fire: 52, gate: 106, 'soft cap of a table by layer': 43, 'stick-breaking': 102, 'gate, bias, window and sink': 150,
}

it.for(strategies.filter(([name]) => DECODED.includes(name)))(
  'decodes what it does op by op: %s',
  async ([name, strategy], { skip }) => {
    skip(unavailable !== undefined, unavailable)
    const model = make({ ...tiny, numLayers: 2 }, strategy, 3)
    const next = tokens(12, 5)
    for (const prompts of [[tokens(9)], [tokens(9), tokens(3, 2), tokens(6, 7)]])
      expect(await logitsOf(model, prompts, next, true)).toBeAllclose(
        await logitsOf(model, prompts, next, false),
        BOUND,
      )
    expect(graphs()).toBe(2)
    // Made once each, alone and in a batch: the room has the lengths in between.
    expect(made()).toHaveLength(2)
    expect(made()[0]).toBeLessThanOrEqual(OPS + (ADDED[name] ?? 24))
    // Where our operations are, each is one chain.
    if (backendOf().chains) expect(backendOf().binding.getNumOfSavedModels()).toBe(0)
  },
)

it('draws the same tokens, greedily and by chance', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }), 3)
  await both(model, tokens(7), { maxNewTokens: 40, temperature: 0 })
  await both(model, tokens(7), { maxNewTokens: 40, seed: 4, topK: 5 })
  // The first token of a text has nothing in the cache.
  await both(model, tokens(1), { maxNewTokens: 3, temperature: 0 })
})

it('shares heads of keys among those of queries', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make({ ...tiny, modelDim: 16, numHeads: 4, numKeyValueHeads: 2 }, alibi({ numHeads: 4 }), 3)
  const [prompt, next] = [tokens(9), tokens(6, 5)]
  for (const prompts of [[prompt], [prompt, tokens(2)]])
    expect(await logitsOf(model, prompts, next, true)).toBeAllclose(await logitsOf(model, prompts, next, false), BOUND)
})

it('has one graph for many lengths, and another where the room doubles', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }), 3)
  const before = tf.memory().numTensors
  for (const length of [3, 20, 90]) await generate(model, tokens(length), { maxNewTokens: 5, compile: true })
  expect(graphs()).toBe(1)
  // From 256 slots to 512.
  await both(model, tokens(120), { maxNewTokens: 145, temperature: 0 })
  expect(graphs()).toBe(2)
  await generate(model, tokens(600), { maxNewTokens: 5, compile: true })
  // Of 256, 512 and 1,024 slots: each made once.
  expect(made()).toHaveLength(3)
  // The graphs of two rooms stay, with a cache of keys and one of values for each layer.
  expect(graphs()).toBe(2)
  expect(tf.memory().numTensors - before).toBe(2 * 2 * 2)
})

it('reads the weights of now', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }))
  const trainer = createTrainer(model, { kind: 'adamw', learningRate: 3e-1 })
  for (let i = 0; i < 3; i++) {
    await both(model, tokens(7), { maxNewTokens: 20, temperature: 0 })
    await trainer.trainStep([tokens(9)])
  }
  expect(graphs()).toBe(1)
  expect(made()).toHaveLength(1)
  trainer.dispose()
})

it('decodes a second text at the same time op by op, and frees the graph where a listener throws', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }), 3)
  const options = { maxNewTokens: 12, temperature: 0, compile: true }
  const alone = [await generate(model, tokens(7), options), await generate(model, tokens(9, 2), options)]
  const together = [generate(model, tokens(7), options), generate(model, tokens(9, 2), options)]
  expect(await Promise.all(together)).toEqual(alone)
  const onToken = () => {
    throw new Error('mine')
  }
  await expect(generate(model, tokens(7), { ...options, onToken })).rejects.toThrow('mine')
  expect(await generate(model, tokens(7), options)).toEqual(alone[0])
  expect(graphs()).toBe(1)
})

it('makes no graph for a few tokens, and none that cannot be', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make(tiny, alibi({ numHeads: 2 }))
  const reasons: string[] = []
  const onFallback = (reason: string) => void reasons.push(reason)
  await generate(model, tokens(7), { maxNewTokens: 31, onFallback })
  expect(graphs()).toBe(0)
  const terms = make(tiny, strategies.find(([name]) => name === 'terms')![1])
  await generate(terms, tokens(7), { maxNewTokens: 5, compile: true, onFallback })
  await generate(model, tokens(7), { maxNewTokens: 5, compile: true, onFallback, attentionKernels: ['tiled'] })
  // Said once for each model.
  await generate(terms, tokens(9), { maxNewTokens: 5, compile: true, onFallback })
  expect(graphs()).toBe(0)
  expect(reasons).toEqual([
    'relative terms are not computed over a cache of slots',
    'the kernel of attention is the caller’s choice',
  ])
  await generate(model, tokens(7), { maxNewTokens: 32 })
  expect(graphs()).toBe(1)
})

it('says why a graph that was tried is none', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  refuseGraphs(() => 'mine')
  const reasons: string[] = []
  const onFallback = (reason: string) => void reasons.push(reason)
  const model = make(tiny, alibi({ numHeads: 2 }))
  const options = { maxNewTokens: 5, temperature: 0, onFallback }
  const plain = await generate(model, tokens(7), { ...options, compile: false })
  for (let i = 0; i < 2; i++) expect(await generate(model, tokens(7), { ...options, compile: true })).toEqual(plain)
  expect(reasons).toEqual(['mine'])
})

it('keeps a text that filled its slots, while another is written in them', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const model = make({ ...tiny, numLayers: 1 }, strategies[0]![1], 3)
  const options = { maxNewTokens: 256, temperature: 1, compile: true }
  const textCache = createTextCache(model)
  const first = await generate(model, tokens(1), { ...options, seed: 1, textCache })
  const cache = textCache.take(Int32Array.from([...tokens(1), ...first]))
  expect(cache.pastLength).toBe(256)
  const { keys } = cache.tokensOf(0)
  const before = await keys.data()
  await generate(model, tokens(1), { ...options, seed: 2 })
  expect(await keys.data()).toEqual(before)
  cache.dispose()
  textCache.dispose()
})
