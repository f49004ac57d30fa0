import { alibi } from '@alibi/alibi'
import { type Backend, type CompileOptions, compile, selectBackend } from '@alibi/backend'
import { seededRandom } from '@alibi/core'
import { createModel, createTrainer, type Trainer } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'

/** A model, and steps that it takes. */
export interface SelfTestSize {
  readonly numLayers: number
  readonly modelDim: number
  readonly numHeads: number
  readonly vocabularySize: number
  readonly batchSize: number
  readonly length: number
  readonly steps: number
}

const RATE = 1e-3

/** Of a new model, which is the same every time. Dispose both. */
export function newTrainer(size: SelfTestSize, options: CompileOptions = {}, learningRate: number = RATE): Trainer {
  const { vocabularySize, numLayers, modelDim, numHeads } = size
  const model = createModel({ vocabularySize, numLayers, modelDim, numHeads }, alibi({ numHeads }))
  return createTrainer(
    model,
    { kind: 'adamw', learningRate },
    { compile: (step, variables) => compile(step, variables, options) },
  )
}

/** A batch of random tokens. */
export const randomRows = ({ vocabularySize, batchSize, length }: SelfTestSize, random: () => number): Int32Array[] =>
  Array.from({ length: batchSize }, () =>
    Int32Array.from({ length: length + 1 }, () => Math.floor(random() * vocabularySize)),
  )

/**
 * Steps that plain JavaScript takes too, on one batch, which it learns by heart: what is wrong in a step grows in the next. With
 * GELU's other form the losses differ by 5e-5, with epsilons of norms that are 10 % larger by 1.5e-5.
 */
const COMPARED: SelfTestSize = {
  numLayers: 1,
  modelDim: 32,
  numHeads: 2,
  vocabularySize: 64,
  batchSize: 2,
  length: 8,
  steps: 20,
}
const FAST = 1e-2

/**
 * The largest difference of a small model's losses in training from those of plain JavaScript, as a share of them.
 *
 * @param name - of the backend that is selected, and is again afterwards
 */
export async function trainingError(name: Backend['name']): Promise<number> {
  const got = await losses()
  await selectBackend('cpu')
  try {
    const expected = await losses()
    return Math.max(...got.map((loss, step) => Math.abs(loss / expected[step]! - 1)))
  } finally {
    await tf.setBackend(name)
  }
}

async function losses(): Promise<number[]> {
  const trainer = newTrainer(COMPARED, {}, FAST)
  const rows = randomRows(COMPARED, seededRandom(0))
  const losses: number[] = []
  try {
    for (let step = 0; step < COMPARED.steps; step++) losses.push(await trainer.trainStep(rows))
    return losses
  } finally {
    trainer.dispose()
    trainer.model.dispose()
  }
}
