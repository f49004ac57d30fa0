import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { resolveConfig } from '../src/config.js'
import { countParameters, createModel, createTrainer, evaluate, generate } from '../src/index.js'
import { adaptiveVocabulary } from '../src/model/vocabulary/adaptive.js'
import { loadCheckpoint, saveCheckpoint } from '../src/node.js'
import { tiny, tokens } from './strategies.js'

const golden = JSON.parse(readFileSync(new URL('golden/adaptive-softmax.json', import.meta.url), 'utf8'))

beforeAll(async () => {
  await tf.setBackend('cpu')
})

// PyTorch's numbers are float64; ours are fp32 sums of at most 23 products of numbers around 1.
const FP32 = { rtol: 1e-5, atol: 2e-6 }
const ids = (list: ArrayLike<number>) => tf.tensor1d(Int32Array.from(list), 'int32')

it('has PyTorch’s losses, log-probabilities and gradients', async () => {
  const { modelDim, vocabularySize, cutoffs, factor, arrays, targets } = golden
  const config = resolveConfig({
    vocabularySize,
    modelDim,
    numLayers: 1,
    numHeads: 1,
    adaptiveCutoffs: cutoffs,
    adaptiveFactor: factor,
  })
  const names = Object.keys(arrays)
  const vocabularyWith = (tensors: readonly tf.Tensor[]) =>
    adaptiveVocabulary(config, new Map(names.map((name, i) => [name, tensors[i] as tf.Variable])))
  const inputs = [golden.hidden, ...names.map((name) => arrays[name])].map((each) => tf.tensor(each))
  const losses = (hidden: tf.Tensor, ...tensors: tf.Tensor[]) => {
    const vocabulary = vocabularyWith(tensors)
    const places = vocabulary.tailPlaces(Int32Array.from(targets)).map(ids)
    return vocabulary.losses(hidden as tf.Tensor2D, ids(targets), places)
  }
  const [hidden, ...tensors] = inputs as [tf.Tensor2D, ...tf.Tensor[]]
  expect(await losses(hidden, ...tensors).array()).toBeAllclose(golden.losses, FP32)
  expect(await vocabularyWith(tensors).logits(hidden).array()).toBeAllclose(golden.logProbabilities, FP32)
  const weighted = (...all: tf.Tensor[]) => tf.sum(tf.mul(losses(...(all as [tf.Tensor])), tf.tensor(golden.weight)))
  const gradients = tf.grads(weighted as Parameters<typeof tf.grads>[0])(inputs)
  expect(await gradients[0]!.array()).toBeAllclose(golden.hiddenGradient, FP32)
  for (const [i, name] of names.entries())
    expect(await gradients[i + 1]!.array(), name).toBeAllclose(golden.gradients[name], FP32)
})

const adaptive = { ...tiny, adaptiveCutoffs: [4, 7], adaptiveFactor: 2 }
const strategy = alibi({ numHeads: 2 })

describe('a model with adaptive input and softmax', () => {
  it('has losses that are those of its log-probabilities, whose probabilities sum to 1', async () => {
    const model = createModel(adaptive, strategy, 3)
    const text = tokens(40)
    const { lossNats } = await evaluate(model, text, { evalLength: 39 })
    const logits = tf.tidy(() => model.logits(model.forward([text.subarray(0, 39)])))
    const rows = (await logits.array()) as number[][]
    for (const row of rows) expect(row.reduce((sum, each) => sum + Math.exp(each), 0)).toBeCloseTo(1, 5)
    const mean = rows.reduce((sum, row, i) => sum - row[text[i + 1]!]!, 0) / rows.length
    expect(lossNats).toBeCloseTo(mean, 5)
  })

  it('learns, generates, and goes on from a checkpoint bit for bit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'alibi-adaptive-'))
    const config = { ...adaptive, dropout: 0.1, activationDropout: 0.1, tailDropout: 0.1 }
    const trainer = createTrainer(createModel(config, strategy), { kind: 'adamw', learningRate: 1e-2 })
    const step = (of: typeof trainer) => of.trainStep([tokens(17, of.step % 3), tokens(17, 5)])
    const first = await step(trainer)
    for (let i = 0; i < 30; i++) await step(trainer)
    await saveCheckpoint(join(folder, 'c'), trainer)
    const { trainer: resumed } = await loadCheckpoint(join(folder, 'c'), strategy)
    const next = await step(trainer)
    expect(await step(resumed)).toBe(next)
    expect(next).toBeLessThan(0.7 * first)
    expect(await generate(trainer.model, tokens(4), { maxNewTokens: 5 })).toHaveLength(5)
    await rm(folder, { recursive: true })
  })

  it('is refused for cutoffs, factors and heads that make none', () => {
    const make = (config: object) => () => createModel({ ...adaptive, ...config }, strategy)
    expect(make({ adaptiveCutoffs: [7, 4] })).toThrow('ascending between 0 and the vocabulary of 11, got 7,4')
    expect(make({ adaptiveCutoffs: [4, 11] })).toThrow('got 4,11')
    expect(make({ adaptiveFactor: 4 })).toThrow('leaves the last of 3 bands a dimension of 8, got 4')
    expect(make({ tiedHead: false })).toThrow('expected tiedHead with adaptiveCutoffs')
    expect(make({ tailDropout: 1 })).toThrow('expected tailDropout from 0 up to but not including 1, got 1')
  })
})

it('counts the paper’s 247 million parameters without allocating one', () => {
  const before = tf.memory().numBytes
  const paper = { numLayers: 16, modelDim: 1024, numHeads: 8, mlpDim: 4096, finalNorm: false }
  const count = countParameters(
    { ...paper, vocabularySize: 267_735, adaptiveCutoffs: [20_000, 60_000] },
    alibi({ numHeads: 8 }),
  )
  // Tables 20,000·1024 + 40,000·256 + 207,735·64, their projections, two tails; 16 blocks of 12·1024² and 13·1024.
  const tables = 20_000 * 1024 + 40_000 * 256 + 207_735 * 64 + (1024 + 256 + 64) * 1024 + 2 * 1024
  expect(count).toBe(tables + 16 * (12 * 1024 ** 2 + 13 * 1024))
  expect(Math.round(count / 1e6)).toBe(247)
  expect(tf.memory().numBytes).toBe(before)
  const small = createModel(adaptive, strategy)
  expect(countParameters(adaptive, strategy)).toBe(small.numParameters)
})
