// What a text cache promises: the tokens that reading everything anew gives, and fewer tokens read.
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { byLayer, none } from '@alibi/core'
import { dynamicNtkScaling, rotary } from '@alibi/rotary'
import { streaming } from '@alibi/streaming'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import {
  createModel,
  createTextCache,
  type GenerateOptions,
  generate,
  generateBatch,
  type Model,
} from '../src/index.js'
import { strategiesOfEachKind, tiny, tokens } from './strategies.js'

const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
await tf.setBackend('cpu')

const sizes = { numHeads: 2, headDim: 4 }
const moreStrategies = [
  [
    'positions within a cache',
    streaming(rotary({ rotaryDim: 4 }), { window: 3, sinks: 2, positions: 'cache', ...sizes }),
  ],
] as const

/** The model, and how many tokens its passes have read. */
function counted(model: Model) {
  const read = { tokens: 0 }
  const forward: Model['forward'] = (rows, options) => {
    read.tokens += rows.reduce((sum, { length }) => sum + length, 0)
    return model.forward(rows, options)
  }
  return { read, model: { ...model, forward } }
}

/** A turn of a conversation: what was said, and what a person says next. */
const after = (before: Int32Array, answer: Int32Array, said: Int32Array) =>
  Int32Array.from([...before, ...answer, ...said])

const greedy = { temperature: 0, maxNewTokens: 5, compile: false }

describe.each([...strategiesOfEachKind, ...moreStrategies])('%s', (_, strategy) => {
  it('gives the tokens of a reading anew, and reads what is new', async () => {
    const { model, read } = counted(createModel(tiny, strategy, 3))
    const textCache = createTextCache(model)
    let prompt = tokens(9)
    for (const said of [tokens(3, 4), tokens(1, 7), tokens(4)]) {
      const known = textCache.length
      read.tokens = 0
      const answer = await generate(model, prompt, { ...greedy, textCache })
      // The last token drawn is read by nobody yet.
      expect(read.tokens).toBe(prompt.length - known + answer.length - 1)
      expect(textCache.length).toBe(prompt.length + answer.length - 1)
      expect(answer).toEqual(await generate(model, prompt, greedy))
      prompt = after(prompt, answer, said)
    }
    textCache.dispose()
    expect(textCache.length).toBe(0)
    model.dispose()
  })
})

it('reads again from where a text differs, and the last token of one that it has', async () => {
  const { model, read } = counted(createModel(tiny, alibi({ numHeads: 2 }), 3))
  const textCache = createTextCache(model)
  const prompt = tokens(12)
  const first = await generate(model, prompt, { ...greedy, textCache })
  const turns: [Int32Array, number][] = [
    [prompt, 1],
    [prompt.slice(0, 4), 1],
    [Int32Array.of(...prompt.subarray(0, 3), 10, 10, 10), 3],
    [Int32Array.of(10), 1],
  ]
  for (const [text, fresh] of turns) {
    read.tokens = 0
    const answer = await generate(model, text, { ...greedy, textCache })
    expect(read.tokens).toBe(fresh + answer.length - 1)
    expect(answer).toEqual(await generate(model, text, greedy))
  }
  expect(await generate(model, prompt, { ...greedy, textCache })).toEqual(first)
  textCache.dispose()
  model.dispose()
})

it('reads all of a text anew where its keys depend on its length', async () => {
  const byLength = rotary({ rotaryDim: 4, scaling: dynamicNtkScaling({ originalMaxPositions: 8, factor: 2 }) })
  // Of one layer of two, too: those after it read what it gives.
  for (const strategy of [byLength, byLayer([none(), byLength])]) {
    const { model, read } = counted(createModel(tiny, strategy, 3))
    const textCache = createTextCache(model)
    let prompt = tokens(9)
    for (const said of [tokens(3, 4), tokens(4)]) {
      read.tokens = 0
      const answer = await generate(model, prompt, { ...greedy, textCache })
      expect(read.tokens).toBe(prompt.length + answer.length - 1)
      expect(answer).toEqual(await generate(model, prompt, greedy))
      prompt = after(prompt, answer, said)
    }
    model.dispose()
  }
})

it('keeps what was read where the signal stops it, and nothing where a pass fails', async () => {
  const { model, read } = counted(createModel(tiny, alibi({ numHeads: 2 }), 3))
  const before = tf.memory().numTensors
  const textCache = createTextCache(model)
  const stopper = new AbortController()
  const drawn: number[] = []
  const onToken = (token: number) => {
    drawn.push(token)
    if (drawn.length === 3) stopper.abort(new Error('enough'))
  }
  const prompt = tokens(9)
  const stopped = generate(model, prompt, { ...greedy, textCache, onToken, signal: stopper.signal })
  await expect(stopped).rejects.toThrow('enough')
  expect(textCache.length).toBe(prompt.length + 2)
  const next = after(prompt, Int32Array.from(drawn), tokens(2))
  read.tokens = 0
  const answer = await generate(model, next, { ...greedy, textCache })
  expect(read.tokens).toBe(3 + answer.length - 1)
  expect(answer).toEqual(await generate(model, next, greedy))
  const failing: GenerateOptions = {
    ...greedy,
    textCache,
    onToken: () => {
      throw new Error('mine')
    },
  }
  await expect(generate(model, next, failing)).rejects.toThrow('mine')
  expect(textCache.length).toBe(0)
  expect(tf.memory().numTensors).toBe(before)
  model.dispose()
})

it('is of one prompt, one model, and one that is causal', async () => {
  const model = createModel(tiny, alibi({ numHeads: 2 }))
  const other = createModel(tiny, alibi({ numHeads: 2 }))
  const textCache = createTextCache(model)
  await expect(generateBatch(model, [tokens(2), tokens(3)], { ...greedy, textCache })).rejects.toThrow(
    'generateBatch: expected one prompt with textCache, got 2',
  )
  await expect(generate(other, tokens(2), { ...greedy, textCache })).rejects.toThrow(
    'generate: expected a textCache of the same model, got that of another',
  )
  const encoder = createModel({ ...tiny, causal: false }, none())
  expect(() => createTextCache(encoder)).toThrow('createTextCache: expected a model with causal true')
  for (const each of [model, other, encoder]) each.dispose()
})

it('keeps what a graph has read', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  await tf.setBackend('tensorflow')
  try {
    const gate = strategiesOfEachKind.find(([name]) => name === 'gate')![1]
    for (const strategy of [alibi({ numHeads: 2 }), gate]) {
      const { model, read } = counted(createModel(tiny, strategy, 3))
      const textCache = createTextCache(model)
      let prompt = tokens(9)
      for (const said of [tokens(3, 4), tokens(1, 7)]) {
        const known = textCache.length
        read.tokens = 0
        const answer = await generate(model, prompt, { ...greedy, compile: true, textCache })
        // The graph reads the last token of the prompt, and its own.
        expect(read.tokens).toBe(prompt.length - 1 - known)
        expect(textCache.length).toBe(prompt.length + answer.length - 1)
        expect(answer).toEqual(await generate(model, prompt, greedy))
        prompt = after(prompt, answer, said)
      }
      textCache.dispose()
      model.dispose()
    }
  } finally {
    await tf.setBackend('cpu')
  }
})
