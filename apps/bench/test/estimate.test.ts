import { none } from '@alibi/core'
import { createModel } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import { expect, it } from 'vitest'
import { resolveRunConfig } from '../src/config/schema.js'
import { modelConfig } from '../src/experiment/cell.js'
import { estimateRun } from '../src/experiment/estimate.js'

it('tells the paper’s 247 million parameters without allocating one, and what no laptop has', () => {
  const before = tf.memory().numBytes
  const { parameters, stepBytes, operations } = estimateRun(resolveRunConfig({ preset: 'paper-wt103' }))
  expect(tf.memory().numBytes).toBe(before)
  expect(Math.round(parameters / 1e6)).toBe(247)
  // Weights, velocity and gradient alone are 3 GB; the paper's GPUs held a batch of half precision in 15.
  expect(stepBytes).toBeGreaterThan(15e9)
  // Six operations a token and parameter in a product (Kaplan et al., 2020), for four strategies; the paper's blocks have
  // 201 million parameters, its head's first band 20.
  const tokens = 4 * 286_000 * 144 * 512
  expect(operations / tokens).toBeGreaterThan(6 * 221e6)
  expect(operations / tokens).toBeLessThan(6 * 221e6 * 1.25)
})

it('counts what is made', async () => {
  await tf.setBackend('cpu')
  for (const options of [{}, { preset: 'paper-small', modelDim: 32, vocabularySize: 9000 } as const]) {
    const config = resolveRunConfig({ ...options, numLayers: 2 })
    const model = createModel(modelConfig(config, config.tokenizer === 'bytes' ? 256 : 9000), none())
    expect(estimateRun(config).parameters).toBe(model.numParameters)
    model.dispose()
  }
})

it('grows with what a run asks for', () => {
  const quick = resolveRunConfig({})
  const of = (options: object) => estimateRun({ ...quick, ...options })
  const { stepBytes, operations } = of({})
  expect(of({ seeds: [1, 2] }).operations).toBe(2 * operations)
  expect(of({ batchSize: 16, steps: 750 }).operations).toBe(operations)
  expect(of({ batchSize: 16, microBatches: 2 }).stepBytes).toBe(stepBytes)
  expect(of({ batchSize: 16 }).stepBytes).toBeGreaterThan(1.2 * stepBytes)
  expect(of({ protocols: ['nonoverlapping', 'sliding'], stride: 64 }).operations).toBeGreaterThan(1.2 * operations)
})
