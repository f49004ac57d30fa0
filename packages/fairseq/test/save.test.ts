import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { none } from '@alibi/core'
import { sinusoidal } from '@alibi/sinusoidal'
import { openTorch, type Tensor } from '@alibi/torch-checkpoint'
import { createModel, type ModelConfig } from '@alibi/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FairseqStrategy, loadFairseq, saveFairseq } from '../src/index.js'
import type { Dictionary } from './rewrite.js'

const golden = (name: string) => new URL(`golden/${name}.pt`, import.meta.url).pathname

let folder: string
beforeAll(async () => {
  await selectBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'fairseq-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** The arrays of a checkpoint, as float32, and which share a storage. */
async function arraysIn(path: string) {
  const file = await openTorch(path)
  const model = (file.value as Dictionary).get('model') as Map<string, Tensor>
  const arrays = new Map<string, { shape: readonly number[]; data: Float32Array }>()
  for (const [name, of] of model)
    arrays.set(name, { shape: of.shape, data: Float32Array.from(await file.read(of), Number) })
  const storage = (name: string) => model.get(name)!.storage.key
  const options = ((file.value as Dictionary).get('cfg') as Dictionary).get('model') as Dictionary
  await file.close()
  return { arrays, storage, options }
}

describe('a checkpoint that is loaded and written again', () => {
  it.each<[string, FairseqStrategy | undefined]>([
    ['alibi', undefined],
    ['alibi-half-twice', undefined],
    ['paper-tiny', undefined],
    ['sinusoidal', 'sinusoidal'],
    ['none', 'none'],
  ])('has the arrays of the first, bit for bit: %s', async (name, strategy) => {
    const path = join(folder, `${name}.pt`)
    const { model, trainLength } = await loadFairseq(golden(name), { strategy })
    await saveFairseq(path, model, { trainLength })
    const [first, again] = [await arraysIn(golden(name)), await arraysIn(path)]
    expect([...again.arrays.keys()].sort()).toEqual([...first.arrays.keys()].sort())
    for (const [each, { shape, data }] of first.arrays) {
      if (each.endsWith('_float_tensor')) continue
      expect(again.arrays.get(each)!.shape, each).toEqual(shape)
      expect(Buffer.compare(Buffer.from(again.arrays.get(each)!.data.buffer), Buffer.from(data.buffer)), each).toBe(0)
    }
    expect(again.storage('decoder.adaptive_softmax.head.word_proj.weight')).toBe(
      again.storage('decoder.embed_tokens.embeddings.0.0.weight'),
    )
    // Options that the first says otherwise would make another model.
    for (const [option, value] of first.options)
      if (again.options.has(option) && !['max_tokens', '_name'].includes(option as string))
        expect(again.options.get(option), `${option}`).toEqual(value)
    const second = await loadFairseq(path, { strategy })
    expect(second.trainLength).toBe(trainLength)
    expect(second.model.config).toEqual(model.config)
    model.dispose()
    second.model.dispose()
  })
})

describe('models that fairseq cannot express are refused', () => {
  const sizes = { vocabularySize: 16, numLayers: 1, modelDim: 8, numHeads: 2, adaptiveCutoffs: [4] }
  it.each<[string, Partial<ModelConfig>, ReturnType<typeof none>, string]>([
    ['one table', { adaptiveCutoffs: [] }, none(), 'expected adaptive input and softmax, got one table'],
    ['a gated MLP', { gatedMlp: true }, none(), 'expected gatedMlp false, got true; fairseq has no other'],
    ['no biases', { projectionBias: false }, none(), 'expected projectionBias true, got false'],
    ['SiLU', { activation: 'silu' }, none(), 'expected activation relu, gelu or gelu-exact, got silu'],
    ['other slopes', {}, alibi({ numHeads: 2, slopes: [1, 0.5] }), 'got another alibi'],
    ['trained slopes', {}, alibi({ numHeads: 2, learned: true }), 'got another alibi'],
    ['other sinusoids', {}, sinusoidal({ modelDim: 8 }), 'got another sinusoidal'],
  ])('%s', async (_kind, choices, strategy, message) => {
    const model = createModel({ ...sizes, ...choices }, strategy)
    await expect(saveFairseq(join(folder, 'no.pt'), model, { trainLength: 4 })).rejects.toThrow(message)
    model.dispose()
  })
})
