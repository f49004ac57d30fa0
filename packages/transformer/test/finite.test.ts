import { alibi } from '@alibi/alibi'
import type { PositionStrategy } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createModel, createTrainer, evaluate, generate } from '../src/index.js'
import { tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const strategy = alibi({ numHeads: 2 })
const failing: PositionStrategy = {
  specVersion: 1,
  name: 'failing',
  bias: {
    kind: 'linear',
    numHeads: 2,
    slopes() {
      throw new Error('mine')
    },
  },
}

function spoilt(name: string, value = NaN) {
  const model = createModel(tiny, strategy)
  const variable = model.parameters.get(name)!
  tf.tidy(() => variable.assign(tf.fill(variable.shape, value)))
  return model
}

describe('training', () => {
  it.each([NaN, Infinity])('names the weights that are %d before its first step', async (value) => {
    const trainer = createTrainer(spoilt('layers.1.mlp.in.bias', value), { kind: 'adamw', learningRate: 1e-2 })
    await expect(trainer.trainStep([tokens(7)])).rejects.toThrow(
      'trainStep: expected finite weights of alibi before step 1, got NaN or ±Infinity in layers.1.mlp.in.bias; their starting values or the checkpoint are wrong, not the learning rate',
    )
  })

  it('names the step and the learning rate where updates were too large', async () => {
    const trainer = createTrainer(createModel(tiny, strategy), { kind: 'sgd-nesterov', learningRate: 1e30 })
    await trainer.trainStep([tokens(7)])
    const untilNotFinite = async () => {
      for (let i = 0; i < 5; i++) await trainer.trainStep([tokens(7)])
    }
    await expect(untilNotFinite).rejects.toThrow(
      /^trainStep: expected a finite loss, got \S+ at step \d of alibi; its weights were finite before training, so updates were too large: lower the learning rate/,
    )
  })

  it('frees its tensors where a step throws', async () => {
    const trainer = createTrainer(createModel(tiny, failing), { kind: 'adamw', learningRate: 1e-2 })
    const before = tf.memory().numTensors
    await expect(trainer.trainStep([tokens(7)])).rejects.toThrow('mine')
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('evaluation', () => {
  it.each(['nonoverlapping', 'sliding', 'streaming'] as const)(
    'says NaN of weights that are (%s)',
    async (protocol) => {
      for (const name of ['embedding.weight', 'final_norm.scale', 'layers.0.attention.qkv.weight']) {
        const { lossNats, perplexity } = await evaluate(spoilt(name), tokens(40), { evalLength: 8, protocol })
        expect([lossNats, perplexity]).toEqual([NaN, NaN])
      }
    },
  )

  it('says it of texts that are long enough to skip keys in', async () => {
    const { lossNats } = await evaluate(spoilt('layers.0.attention.qkv.weight'), tokens(1100), { evalLength: 1099 })
    expect(lossNats).toBe(NaN)
  })

  it.each(['nonoverlapping', 'streaming'] as const)(
    'frees everything when it is aborted or fails (%s)',
    async (protocol) => {
      const model = createModel(tiny, strategy)
      const before = tf.memory().numTensors
      const controller = new AbortController()
      const aborted = evaluate(model, tokens(60), {
        evalLength: 8,
        batchTokens: 8,
        protocol,
        signal: controller.signal,
        onProgress: () => controller.abort(),
      })
      await expect(aborted).rejects.toThrow('abort')
      const failed = evaluate(model, tokens(60), {
        evalLength: 8,
        protocol,
        onProgress() {
          throw new Error('mine')
        },
      })
      await expect(failed).rejects.toThrow('mine')
      expect(tf.memory().numTensors).toBe(before)
      expect(tf.engine().state.profiling).toBe(false)
    },
  )

  it('stops measuring memory where the first batch throws', async () => {
    await expect(evaluate(createModel(tiny, failing), tokens(60), { evalLength: 8 })).rejects.toThrow('mine')
    expect(tf.engine().state.profiling).toBe(false)
  })
})

it('generation frees everything where a listener throws or it is aborted', async () => {
  const model = createModel(tiny, strategy)
  const before = tf.memory().numTensors
  const onToken = () => {
    throw new Error('mine')
  }
  await expect(generate(model, tokens(5), { maxNewTokens: 3, onToken })).rejects.toThrow('mine')
  await expect(generate(model, tokens(5), { maxNewTokens: 3, signal: AbortSignal.abort() })).rejects.toThrow('abort')
  expect(tf.memory().numTensors).toBe(before)
})
