// Everything public, called with nothing and with wrong things: one line that says what was expected.
import { alibi } from '@alibi/alibi'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, it } from 'vitest'
import * as transformer from '../src/index.js'
import { tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const { createModel, createTrainer, evaluate, generate } = transformer
const strategy = alibi({ numHeads: 2 })
const rate = { kind: 'adamw', learningRate: 1e-2 } as const

/** Values, and functions that take nothing that could be wrong. */
const OTHERS = ['createKvCache', 'tfOps', 'tfDifferentiable', 'attentionKernels']

it.each(Object.entries(transformer).filter(([name]) => !OTHERS.includes(name)))(
  '%s refuses nothing, null, a number and an empty object in one line',
  async (name, value) => {
    const call = value as unknown as (...args: unknown[]) => unknown
    for (const args of [[], [null], [3], ['x'], [{}], [{}, {}], [undefined, undefined, undefined]]) {
      const message = await (async () => call(...args))().then(
        () => 'no error',
        (error: Error) => error.message,
      )
      expect(message, `${name}(${JSON.stringify(args)})`).toMatch(/^[\w.]+: expected [^\n]+, got [^\n]+$/)
    }
  },
)

it.each<[string, (model: transformer.Model) => unknown, string]>([
  ['a misspelt option', () => createModel({ ...tiny, numLayer: 2 } as never, strategy), 'got numLayer'],
  [
    'a promise',
    () => createTrainer(Promise.resolve() as never, rate),
    'createTrainer: expected a model, got a promise',
  ],
  ['a misspelt schedule', (m) => createTrainer(m, { ...rate, warmup: 1 } as never), 'got warmup'],
  ['a clip of 0', (m) => createTrainer(m, { ...rate, clipNorm: 0 }), 'a finite clipNorm > 0, got 0'],
  ['beta of 1', (m) => createTrainer(m, { ...rate, beta1: 1 }), 'beta1 from 0 up to but not including 1, got 1'],
  ['a seed of 0.5', (m) => createTrainer(m, rate, { seed: 0.5 }), 'an integer seed'],
  ['rows of 1 token', (m) => createTrainer(m, rate).trainStep([tokens(1)]), 'trainStep: expected rows of at least 2'],
  ['plain arrays', (m) => m.forward([[1, 2]] as never), 'forward: expected rows of tokens as an array of Int32Array'],
  ['a token too far', (m) => m.forward([Int32Array.of(11)]), 'forward: expected tokens from 0 to 10, got 11'],
  [
    'a text of it',
    (m) => evaluate(m, Int32Array.of(1, 12), { evalLength: 2 }),
    'evaluate: expected tokens from 0 to 10',
  ],
  ['no length', (m) => evaluate(m, tokens(9), {} as never), 'evaluate: expected an integer evalLength ≥ 1'],
  ['half a batch', (m) => evaluate(m, tokens(9), { evalLength: 2, batchTokens: 0.5 }), 'an integer batchTokens ≥ 1'],
  ['no tokens to score', (m) => evaluate(m, tokens(9), { evalLength: 2, maxTokens: 0 }), 'an integer maxTokens ≥ 1'],
  ['a negative heat', (m) => generate(m, tokens(2), { maxNewTokens: 1, temperature: -1 }), 'a finite temperature ≥ 0'],
  [
    'half a choice',
    (m) => generate(m, tokens(2), { maxNewTokens: 1, topK: 0.5 }),
    'generate: expected an integer topK',
  ],
])('refuses %s', async (_name, call, message) => {
  const model = createModel(tiny, strategy)
  await expect((async () => call(model))()).rejects.toThrow(message)
})
