// A small checkpoint of the bench and a small folder of transformers, made once, copied for each case.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { huggingFaceArchitecture, saveHuggingFace } from '@alibi/huggingface'
import { learned } from '@alibi/sinusoidal'
import { createModel, createTrainer } from '@alibi/transformer'
import { saveCheckpoint } from '@alibi/transformer/node'
import * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll } from 'vitest'
import { byteTokenizer } from '../src/data/tokenizer/tokenizer.js'

const row = Int32Array.of(1, 7, 200, 13, 99)

let folder: string
let count = 0
export const copyOf = async (kind: 'checkpoint' | 'transformers'): Promise<string> => {
  count += 1
  const to = join(folder, `${count}`)
  await cp(join(folder, kind), to, { recursive: true })
  return to
}

beforeAll(async () => {
  await tf.setBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'alibi-checkpoints-'))
  const sizes = { vocabularySize: 256, numLayers: 1, modelDim: 8, numHeads: 2 }
  const trainer = createTrainer(
    createModel(sizes, alibi({ numHeads: 2 }), 3),
    { kind: 'adamw', learningRate: 0.01 },
    { seed: 1 },
  )
  await trainer.trainStep([row, row])
  await saveCheckpoint(join(folder, 'checkpoint'), trainer, {
    seed: 1,
    trainLength: 4,
    data: 'typescript',
    tokenizer: byteTokenizer.toJSON() as never,
  })
  trainer.dispose()
  trainer.model.dispose()
  const gpt2 = createModel(
    { ...sizes, ...huggingFaceArchitecture('gpt2') },
    learned({ modelDim: 8, maxPositions: 16 }),
    3,
  )
  const files = Object.fromEntries(
    await Promise.all(Object.entries(byteTokenizer.files()).map(async ([name, text]) => [name, await text])),
  )
  await saveHuggingFace(join(folder, 'transformers'), gpt2, { family: 'gpt2', files })
  gpt2.dispose()
})
afterAll(() => rm(folder, { recursive: true }))
