import { alibi } from '@alibi/alibi'
import { none } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createModel, createTrainer, learningRateAt, type ModelConfig } from '../src/index.js'
import { tiny, tokens } from './strategies.js'

// What the paper's recipe has beside the defaults.
beforeAll(async () => {
  await tf.setBackend('cpu')
})

const adaptive: ModelConfig = { ...tiny, adaptiveCutoffs: [4, 7], adaptiveFactor: 2 }
const ids = (list: ArrayLike<number>) => tf.tensor1d(Int32Array.from(list), 'int32')

it("drops the same of a hidden state for the head and its tail, and scales up the rest, as fairseq's adaptive softmax", () => {
  const rate = 0.4
  const rows = 200
  const gradientOf = (tailDropout: number, target: number, seed: number) =>
    tf.tidy(() => {
      const model = createModel({ ...adaptive, tailDropout }, none(), 1)
      const { vocabulary } = model
      const targets = new Int32Array(rows).fill(target)
      const places = vocabulary.tailPlaces(targets).map(ids)
      const losses = (hidden: tf.Tensor) =>
        tf.sum(vocabulary.losses(hidden as tf.Tensor2D, ids(targets), places, ids([seed])))
      // At zero, logits do not depend on what is kept.
      const gradient = tf
        .grad(losses)(tf.zeros([rows, adaptive.modelDim]))
        .dataSync()
      model.dispose()
      return gradient
    })
  const full = gradientOf(0, 1, 5)
  const kept = gradientOf(rate, 1, 5)
  const dropped = kept.filter((value) => value === 0).length / kept.length
  expect(Math.abs(dropped - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / kept.length))
  for (const [i, value] of kept.entries()) if (value) expect(value).toBeCloseTo(full[i]! / (1 - rate), 6)
  // What is dropped before the head reaches no tail either.
  const tail = gradientOf(rate, 9, 5)
  for (const [i, value] of kept.entries()) if (value === 0) expect(Math.abs(tail[i]!)).toBe(0)
  expect([...gradientOf(rate, 1, 6)]).not.toEqual([...kept])
})

it('warms up as fairseq: from the first rate at step 0 to the peak at the last step of warm-up', () => {
  const schedule = { learningRate: 1, initialLearningRate: 1e-7, minLearningRate: 1e-4, warmupSteps: 16_000 }
  const at = (step: number) => learningRateAt(step, { ...schedule, totalSteps: 286_000 })
  expect(at(0)).toBe(1e-7)
  expect(at(1)).toBeCloseTo(1e-7 + (1 - 1e-7) / 16_000, 15)
  expect(at(15_999)).toBeCloseTo(0.99994, 5)
  expect(at(16_000)).toBe(1)
  expect(at(286_000)).toBeCloseTo(1e-4, 12)
})

describe('rows of several lengths', () => {
  const optimizer = { kind: 'sgd-nesterov', learningRate: 0.5, clipNorm: 0.1 } as const
  const rows = [tokens(9, 1), tokens(9, 2), tokens(4, 3)]

  async function train(config: ModelConfig, microBatches: number, steps: readonly Int32Array[][]) {
    const trainer = createTrainer(createModel(config, alibi({ numHeads: 2 }), 3), optimizer, { microBatches })
    const losses: number[] = []
    for (const each of steps) losses.push(await trainer.trainStep(each))
    const weights = await Promise.all([...trainer.model.parameters.values()].map((value) => value.data()))
    trainer.dispose()
    trainer.model.dispose()
    return { losses, weights: weights.flatMap((values) => [...values]) }
  }

  it.each([
    ['one table', tiny],
    ['an adaptive softmax', adaptive],
  ])('count as many tokens as they have, with %s', async (_, config) => {
    const { losses } = await train(config, 1, [rows])
    const alone = await Promise.all(rows.map(async (row) => (await train(config, 1, [[row]])).losses[0]!))
    const targets = rows.map((row) => row.length - 1)
    const mean = alone.reduce((sum, loss, i) => sum + loss * targets[i]!, 0) / (8 + 8 + 3)
    expect(losses[0]).toBeCloseTo(mean, 5)
  })

  it('are the same step in parts, which they need not fill', async () => {
    const whole = await train(adaptive, 1, [rows, rows])
    const parts = await train(adaptive, 2, [rows, rows])
    expect(parts.losses[1]).toBeCloseTo(whole.losses[1]!, 5)
    expect(parts.weights).toBeAllclose(whole.weights, { rtol: 1e-4, atol: 1e-6 })
  })
})
