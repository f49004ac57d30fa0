import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { createModel, createTrainer } from '@alibi/transformer'
import { saveCheckpoint } from '@alibi/transformer/node'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { evalCommand } from '../src/commands/eval.js'
import { presets } from '../src/config/presets.js'
import { resolveRunConfig } from '../src/config/resolve.js'
import { readCorpus } from '../src/data/corpus.js'
import { withFirst } from '../src/data/tokenizer/first-token.js'
import { wordTokenizerOf } from '../src/data/tokenizer/tokenizer.js'

let folder: string
beforeAll(async () => {
  await selectBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'alibi-first-'))
  await writeFile(join(folder, 'train.txt'), 'a b c a b\nc a b\n')
  await writeFile(join(folder, 'valid.txt'), 'b a c\n')
})
afterAll(() => rm(folder, { recursive: true }))

it("is the end of a line for the paper's presets, before all of the held-out text", async () => {
  for (const [preset, { firstToken = 'none' }] of Object.entries(presets))
    expect(firstToken, preset).toBe(preset.startsWith('paper-') ? 'eos' : 'none')
  const words = { data: folder, tokenizer: 'words', vocabularySize: 9, trainLength: 2 } as const
  const plain = await readCorpus(words, { log() {} })
  const { valid, tokenizer } = await readCorpus({ ...words, firstToken: 'eos' }, { log() {} })
  expect([...valid.tokens]).toEqual([tokenizer.marks.eos, ...plain.valid.tokens])
  expect([...valid.byteEnds]).toEqual([0, ...plain.valid.byteEnds])
  expect(() => withFirst(valid, tokenizer, 'bos')).toThrow('got bos; it has none, leave it out')
  expect(() => resolveRunConfig({ firstToken: 'eos' })).toThrow('expected tokenizer words or prose for first token eos')
})

it('is what the checkpoint was trained to be scored with, and in the line of the result', async () => {
  const tokenizer = wordTokenizerOf(Buffer.from('a b c a b\n'), 9)
  const sizes = { vocabularySize: tokenizer.vocabularySize, numLayers: 1, modelDim: 8, numHeads: 2 }
  const trainer = createTrainer(createModel(sizes, alibi({ numHeads: 2 })), { kind: 'adamw', learningRate: 0.01 })
  const about = { seed: 0, trainLength: 2, data: folder, tokenizer: tokenizer.toJSON() as never }
  await saveCheckpoint(join(folder, 'with'), trainer, { ...about, firstToken: 'eos' })
  await saveCheckpoint(join(folder, 'without'), trainer, about)
  trainer.dispose()
  trainer.model.dispose()
  const log = vi.spyOn(console, 'log').mockReturnValue()
  const errors = vi.spyOn(console, 'error').mockReturnValue()
  const sliding = ['--protocol', 'sliding', '--stride', '1', '--windows', 'fairseq']
  for (const args of [['with'], ['without'], ['with', '--first-token', 'none', ...sliding]])
    await evalCommand().parseAsync([join(folder, args[0]!), '--backend', 'cpu', ...args.slice(1)], { from: 'user' })
  const lines = log.mock.calls.map(([line]) => JSON.parse(line))
  log.mockRestore()
  errors.mockRestore()
  // `b a c` and the end of its line.
  expect(lines).toMatchObject([
    { tokens: 4, firstToken: 'eos' },
    { tokens: 3, firstToken: 'none' },
    { tokens: 3, firstToken: 'none', windows: 'fairseq' },
  ])
  expect(lines[0]).not.toHaveProperty('windows')
})
