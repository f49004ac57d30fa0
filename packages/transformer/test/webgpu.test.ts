// Whole models on webgpu: on a software adapter (Debian's package chromium brings one) where there is no GPU.
import { selectBackend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import { createModel, createTrainer } from '../src/index.js'
import { strategies, tiny, tokens } from './strategies.js'

const unavailable = await selectBackend('webgpu', { software: true }).then(
  () => undefined,
  (error: Error) => error.message,
)

/** Losses of a few steps. */
async function train(backend: string, strategy: (typeof strategies)[number][1], steps: number): Promise<number[]> {
  await tf.setBackend(backend)
  const model = createModel(tiny, strategy, 5)
  const trainer = createTrainer(model, { kind: 'adamw', learningRate: 1e-2, clipNorm: 1, weightDecay: 0.1 })
  const losses: number[] = []
  for (let i = 0; i < steps; i++) losses.push(await trainer.trainStep([tokens(8, i), tokens(8, i + 4)]))
  trainer.dispose()
  model.dispose()
  return losses
}

describe.each(strategies)('%s', (_name, strategy) => {
  it('trains to the losses of cpu', async ({ skip }) => {
    skip(unavailable !== undefined, unavailable)
    // Fewer steps than elsewhere: a software adapter takes a good part of a second for one.
    expect(await train('webgpu', strategy, 2)).toBeAllclose(await train('cpu', strategy, 2), { rtol: 1e-4 })
  })
})
