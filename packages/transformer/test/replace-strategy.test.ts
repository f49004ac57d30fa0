import { alibi } from '@alibi/alibi'
import { none } from '@alibi/core'
import { learned } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, it } from 'vitest'
import { createModel, evaluate, type Model, replaceStrategy, type StepCompiler } from '../src/index.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const sizes = { vocabularySize: 11, numLayers: 2, modelDim: 8, numHeads: 2 }
const row = Int32Array.of(1, 7, 3, 9, 10, 2)
const logits = (model: Model) => tf.tidy(() => model.logits(model.forward([row])).arraySync())
const table = (maxPositions = 16) => learned({ modelDim: 8, maxPositions })

it('gives the weights of a model other positions', () => {
  // Weights depend on the seed alone, and not on the strategy.
  const want = createModel(sizes, alibi({ numHeads: 2 }), 5)
  const before = tf.memory().numTensors
  const made = replaceStrategy(createModel(sizes, table(), 5), alibi({ numHeads: 2 }))
  expect(logits(made)).toEqual(logits(want))
  expect([...made.parameters.keys()]).toEqual([...want.parameters.keys()])
  made.dispose()
  expect(tf.memory().numTensors).toBe(before)
})

it('starts its arrays anew, by the seed, or keeps those that it is told to', () => {
  const own = createModel(sizes, table(), 5)
  const kept = own.parameters.get('position.table')!.arraySync()
  const made = replaceStrategy(own, table(), { keep: ['position.table'] })
  expect(made.parameters.get('position.table')!.arraySync()).toEqual(kept)
  const [one, two, again] = [1, 2, 1].map((seed) => {
    const fresh = replaceStrategy(createModel(sizes, none(), 5), t5Bias({ numHeads: 2 }), { seed })
    return fresh.parameters.get('position.table')!.arraySync()
  })
  expect(one).toEqual(again)
  expect(one).not.toEqual(two)
})

it('refuses arrays that do not fit, and leaves the model as it was', () => {
  const own = createModel(sizes, table(), 5)
  const before = logits(own)
  const keep = ['position.table']
  expect(() => replaceStrategy(own, table(12), { keep })).toThrow(
    'replaceStrategy: expected position.table to keep of shape [12,8], as learned has it, got [16,8]',
  )
  expect(() => replaceStrategy(own, none(), { keep })).toThrow('to keep among the arrays of none, got [16,8]')
  expect(() => replaceStrategy(own, table(), { keep: ['embedding.weight'] })).toThrow('got none of learned')
  expect(() => replaceStrategy(own, alibi({ numHeads: 4 }))).toThrow('numHeads 2, got 4')
  expect(logits(own)).toEqual(before)
})

it('frees the graphs of the model that was', async () => {
  const backend = tf.backend() as { compile?: StepCompiler }
  const made: string[] = []
  backend.compile = (step) =>
    Object.assign((...inputs: tf.Tensor[]) => tf.tidy(() => step(...inputs)), {
      sync() {},
      dispose: () => void made.push('freed'),
    })
  try {
    const own = createModel(sizes, alibi({ numHeads: 2 }), 5)
    await evaluate(own, row, { evalLength: 3, compile: true })
    expect(made).toEqual([])
    const model = replaceStrategy(own, none())
    expect(made).toEqual(['freed'])
    // A graph of its own, and not that of ALiBi.
    const { lossNats } = await evaluate(model, row, { evalLength: 3, compile: true })
    expect(lossNats).toBe((await evaluate(model, row, { evalLength: 3, compile: false })).lossNats)
    model.dispose()
    expect(made).toEqual(['freed', 'freed'])
  } finally {
    delete backend.compile
  }
})
