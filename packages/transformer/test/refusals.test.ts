// Everything public, called with nothing and with wrong things: one line that says what was expected.
import { alibi } from '@alibi/alibi'
import type { PositionStrategy, TensorOps } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, it } from 'vitest'
import * as transformer from '../src/index.js'
import { tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const { createModel, createTrainer, evaluate, generate, generateBatch } = transformer
const strategy = alibi({ numHeads: 2 })
const rate = { kind: 'adamw', learningRate: 1e-2 } as const

/** Values, functions that take nothing that could be wrong, and one that says of anything whether it is a text. */
const OTHERS = ['createKvCache', 'tfOps', 'tfDifferentiable', 'attentionKernels', 'attentionFeatures', 'isTokenText']

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
  [
    'asked for other rows',
    (m) => createTrainer(m, rate).trainStep([tokens(5)], []),
    'trainStep: expected asked for each of the 1 rows, got 0',
  ],
  [
    'asked for other targets',
    (m) => createTrainer(m, rate).trainStep([tokens(5)], [[1]]),
    'trainStep: expected asked for each of the 4 targets of row 0, got 1',
  ],
  [
    'asked in parts',
    (m) => createTrainer(m, rate).trainStep([tokens(3)], [[1, 0.5]]),
    'trainStep: expected asked of 1 and 0, got 0.5',
  ],
  [
    'nothing asked for',
    (m) => createTrainer(m, rate).trainStep([tokens(3)], [[0, 0]]),
    'trainStep: expected at least one target that is asked for, got none',
  ],
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
  [
    'a misspelt option of a pass',
    (m) => m.forward([tokens(5)], { document: tokens(5) } as never),
    'did you mean documents?',
  ],
  [
    'documents of some rows',
    (m) => createTrainer(m, rate, { documents: tokens(5) as never }),
    'documents as a function',
  ],
  [
    'no positions',
    (m) => createTrainer(m, rate, { positions: () => undefined as never }).trainStep([tokens(5)]),
    'trainStep: expected positions to return an Int32Array, got undefined',
  ],
  [
    'a kernel that there is not, before any step',
    (m) => createTrainer(m, rate, { attentionKernels: ['tilde'] }),
    'createTrainer: expected attentionKernels as a list of kernels, or of fused, ',
  ],
  [
    'no documents',
    (m) => createTrainer(m, rate, { documents: () => undefined as never }).trainStep([tokens(5)]),
    'trainStep: expected documents to return an Int32Array, got undefined',
  ],
  [
    'positions that are no function',
    (m) => evaluate(m, tokens(9), { evalLength: 2, positions: tokens(2) as never }),
    'evaluate: expected positions as a function, got Int32Array',
  ],
  [
    'fewer documents than tokens',
    (m) => createTrainer(m, rate, { documents: () => Int32Array.of(0) }).trainStep([tokens(5)]),
    'trainStep: expected documents to return 4 ids, one a token of the row, got 1',
  ],
  ['a negative heat', (m) => generate(m, tokens(2), { maxNewTokens: 1, temperature: -1 }), 'a finite temperature ≥ 0'],
  [
    'half a choice',
    (m) => generate(m, tokens(2), { maxNewTokens: 1, topK: 0.5 }),
    'generate: expected an integer topK',
  ],
  [
    'a penalty of 0',
    (m) => generate(m, tokens(2), { maxNewTokens: 1, repetitionPenalty: 0 }),
    'generate: expected a finite repetitionPenalty > 0, got 0',
  ],
  [
    'an end that is no token',
    (m) => generate(m, tokens(2), { maxNewTokens: 1, endTokens: [11] }),
    'generate: expected endTokens from 0 to 10, got 11',
  ],
  ['no prompts', (m) => generateBatch(m, [], { maxNewTokens: 1 }), 'generateBatch: expected at least one prompt'],
  [
    'an empty prompt among others',
    (m) => generateBatch(m, [tokens(2), tokens(0)], { maxNewTokens: 1 }),
    'generateBatch: expected a prompt of at least 1 token, got none',
  ],
])('refuses %s', async (_name, call, message) => {
  const model = createModel(tiny, strategy)
  await expect((async () => call(model))()).rejects.toThrow(message)
})

it.each<[string, (model: transformer.Model) => unknown, string]>([
  ['a text to score', (m) => evaluate(m, tokens(9), { evalLength: 2 }), 'evaluate: expected a model with causal true'],
  [
    'half a share in words',
    (m) => createTrainer(m, rate, { masked: { token: 1, share: '1' as never } }),
    'masked.share above 0',
  ],
  ['a prompt', (m) => generate(m, tokens(2), { maxNewTokens: 1 }), 'generate: expected a model with causal true'],
])('an encoder refuses %s', async (_name, call, message) => {
  const model = createModel({ ...tiny, causal: false }, strategy)
  await expect((async () => call(model))()).rejects.toThrow(message)
})

const H = tiny.numHeads
const D = tiny.modelDim
const zeros =
  (...shape: number[]) =>
  <T>(ops: TensorOps<T>): T =>
    ops.tensor(new Float64Array(shape.reduce((a, b) => a * b, 1)), shape)
const nothing = (() => undefined) as never
const heads = { numHeads: H, headDim: D / H }

it.each<[string, Partial<PositionStrategy>, string]>([
  ['slopes', { bias: { kind: 'linear', numHeads: H, slopes: zeros(1) } }, `slopes of wrong of shape [${H}], got [1]`],
  [
    'a table',
    { bias: { kind: 'distance', numHeads: H, evaluate: zeros(1, 5) } },
    `bias of wrong of shape [${H},5], got [1,5]`,
  ],
  [
    'an embedding',
    { embedding: { modelDim: D, evaluate: zeros(5, 1) } },
    `embedding of wrong of shape [5,${D}], got [5,1]`,
  ],
  [
    'gates',
    { gate: { numHeads: H, modelDim: D, evaluate: zeros(5, 1) } },
    `gates of wrong of shape [5,${H}], got [5,1]`,
  ],
  [
    'no gates',
    { gate: { numHeads: H, modelDim: D, evaluate: nothing } },
    `gates of wrong of shape [5,${H}], got undefined`,
  ],
  [
    'vectors',
    { terms: { ...heads, queryVectors: zeros(1, 1, D / H) } },
    `queryVectors of wrong of shape [${H},5,${D / H}] or [1,5,${D / H}], got`,
  ],
  ['no vectors', { terms: { ...heads, keyVectors: nothing } }, `keyVectors of wrong of shape [${H},5,${D / H}] or`],
  [
    'a vector of queries',
    { terms: { ...heads, queryBias: zeros(D / H) } },
    `queryBias of wrong of shape [${H},${D / H}], got [${D / H}]`,
  ],
  ['rows of scores', { scores: { ...heads, evaluate: zeros(1) } }, `rewritten scores of shape [1,${H},5,5], got [1]`],
  ['no scores', { scores: { ...heads, evaluate: nothing } }, `rewritten scores of shape [1,${H},5,5], got undefined`],
  ['sink logits', { sink: { numHeads: H, evaluate: zeros(1) } }, `sink logits of wrong of shape [${H}], got [1]`],
  [
    'no sink logits',
    { sink: { numHeads: H, evaluate: nothing } },
    `sink logits of wrong of shape [${H}], got undefined`,
  ],
])('refuses %s of another shape in one line', (_name, hooks, message) => {
  const model = createModel(tiny, { specVersion: 1, name: 'wrong', ...hooks })
  expect(() => model.forward([tokens(5)])).toThrow(`: expected ${message}`)
})

it.each<[string, Partial<Record<keyof transformer.AttentionKernel, unknown>>, string]>([
  [
    'a result of another shape',
    { run: (_: never, { q }: { q: tf.Tensor }) => tf.sum(q, 3) },
    'the result of mine of shape [1,',
  ],
  [
    'a result of other axes',
    { run: (_: never, { q }: { q: tf.Tensor }) => tf.transpose(q, [0, 2, 1, 3]) },
    'the result of mine',
  ],
  ['no result', { run: nothing }, 'the result of mine of shape'],
  [
    'a projection of another shape',
    { runProjected: (_: never, { qkv }: { qkv: tf.Tensor }) => qkv },
    'the projected result of mine',
  ],
  ['no function that runs', { run: undefined }, 'run of mine as a function, got undefined'],
  ['no list of features', { takes: 'linear bias' }, 'takes of mine as a list of features, got linear bias'],
  ['a feature that there is not', { takes: ['liner bias'] }, 'takes of mine from linear bias, table bias, '],
  ['a refusal without words', { refuses: () => true }, 'refuses of mine to give a reason in words'],
])('refuses a kernel with %s in one line', (_name, members, message) => {
  const mine = { name: 'mine', takes: ['linear bias'], refuses: () => undefined, run: nothing, ...members } as never
  const model = createModel(tiny, strategy)
  expect(() => model.forward([tokens(5)], { attentionKernels: [mine] })).toThrow(`: expected ${message}`)
})
