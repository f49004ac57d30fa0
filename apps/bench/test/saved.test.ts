// The checkpoint of a cell is held against its run before a step is trained from it, and what is damaged has a way out.
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtInStrategies } from '@alibi/strategies'
import { createModel, createTrainer } from '@alibi/transformer'
import { saveCheckpoint } from '@alibi/transformer/node'
import * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modelConfig } from '../src/config/model.js'
import { resolveRunConfig } from '../src/config/resolve.js'
import { optimizerConfig } from '../src/config/training.js'
import { planRun } from '../src/run-folder/begin.js'
import { savedInfo, setDamagedAside, stepsDone } from '../src/run-folder/saved.js'

const config = resolveRunConfig({
  ...{ strategies: ['alibi', 'none'], seeds: [1], steps: 4, numLayers: 1, modelDim: 8, numHeads: 2, trainLength: 8 },
})
const cells = config.strategies.map((strategy) => ({ strategy, seed: 1 }))
const [alibi] = cells as [(typeof cells)[0], (typeof cells)[0]]

let folder: string
let count = 0
/** A run's folder with a checkpoint of step 0 of each cell. */
async function copyOfRun(): Promise<string> {
  count += 1
  const to = join(folder, `${count}`)
  await cp(join(folder, 'run'), to, { recursive: true })
  return to
}

beforeAll(async () => {
  await tf.setBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'alibi-saved-'))
  for (const { strategy, seed } of cells) {
    const model = createModel(modelConfig(config, 256), builtInStrategies.make(strategy, config), seed)
    const trainer = createTrainer(model, optimizerConfig(config), { seed, step: 2 })
    const window = { lossNats: 5, steps: 1, seconds: 1, elapsedSeconds: 2 }
    await saveCheckpoint(join(folder, 'run/checkpoints', `${strategy}-seed1`), trainer, { seed, window })
    trainer.dispose()
    model.dispose()
  }
})
afterAll(() => rm(folder, { recursive: true }))

/** Changes checkpoint.json of the first cell as one of an older version: without a hash of itself. */
async function change(run: string, edit: (json: Record<string, unknown>) => object): Promise<void> {
  const path = join(run, 'checkpoints/alibi-seed1/checkpoint.json')
  const json = JSON.parse(await readFile(path, 'utf8'))
  delete json.sha256['checkpoint.json']
  await writeFile(path, JSON.stringify({ ...json, ...edit(json) }))
}

it('is taken as it was saved', async () => {
  const run = await copyOfRun()
  expect(await stepsDone(run, config, alibi)).toBe(2)
  await change(run, () => ({}))
  expect(await savedInfo(run, config, alibi)).toMatchObject({ step: 2, hashed: false })
})

describe('is refused, with the way out, for', () => {
  const window = (value: unknown) => () => ({ metadata: { window: value } })
  it.each<[string, (json: Record<string, unknown>) => object, string]>([
    ['more steps than the run has', () => ({ step: 1_000_000_000 }), 'expected at most 4 steps'],
    ['half a step', () => ({ step: 3.5 }), 'step 3.5'],
    ['a step in words', () => ({ step: 'x' }), 'step "x"'],
    ['no step', () => ({ step: undefined }), 'step none'],
    ['another seed', () => ({ random: { seed: 2 } }), 'expected seed 1, as the run has it,'],
    ['another strategy', () => ({ strategy: 'none' }), 'expected strategy alibi, as the run has it,'],
    ['other dropout', (json) => ({ config: { ...(json.config as object), dropout: 0.5 } }), 'expected dropout'],
    ['sums in words', window({ lossNats: 'a', steps: 'b', seconds: 'c', elapsedSeconds: 'd' }), 'metadata.window'],
    ['sums that are null', window({ lossNats: null, steps: 1, seconds: 1, elapsedSeconds: 1 }), 'metadata.window'],
    ['more layers than there are', (json) => ({ config: { ...(json.config as object), numLayers: 1e9 } }), 'layers'],
  ])('%s', async (_what, edit, message) => {
    const run = await copyOfRun()
    await change(run, edit)
    const refused = stepsDone(run, config, alibi)
    await expect(refused).rejects.toThrow(message)
    await expect(refused).rejects.toThrow(
      /^[^\n]*With --resume --retrain \(a sweep: --retry\) alibi-seed1 is trained anew and the others are kept$/,
    )
  })
})

describe('--retrain', () => {
  it.each(['checkpoint.json', 'weights.safetensors', 'optimizer.safetensors'])(
    'sets a model aside whose %s is damaged, and no other',
    async (name) => {
      const run = await copyOfRun()
      await writeFile(join(run, 'checkpoints/alibi-seed1', name), 'x')
      const lines: string[] = []
      await setDamagedAside(run, config, (line) => lines.push(line))
      expect(lines).toEqual([
        expect.stringMatching(/^alibi-seed1 is trained anew; its checkpoint is now .*\.damaged: /),
      ])
      expect(await stepsDone(run, config, alibi)).toBe(0)
      expect(await stepsDone(run, config, cells[1]!)).toBe(2)
      expect(existsSync(join(run, 'checkpoints/alibi-seed1.damaged', name))).toBe(true)
    },
  )

  it('changes nothing where nothing is damaged', async () => {
    const run = await copyOfRun()
    await setDamagedAside(run, config, () => expect.unreachable())
    expect(await stepsDone(run, config, alibi)).toBe(2)
  })

  it('goes with --resume', async () => {
    const plan = planRun({ out: join(folder, 'new'), retrain: true, backend: 'cpu', given: {}, log: () => {} })
    await expect(plan).rejects.toThrow('expected --retrain with --resume, got it alone; add --resume')
  })
})
