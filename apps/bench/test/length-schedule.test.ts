// Training whose sequences change their length on the way.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selectBackend } from '@alibi/backend'
import type { TrainLine } from '@alibi/results'
import { builtInStrategies } from '@alibi/strategies'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lengthScheduleText, meanWork, stageAt, stagesOf } from '../src/config/length-schedule.js'
import { resolveRunConfig } from '../src/config/resolve.js'
import type { RunOptions } from '../src/config/schema.js'
import { readCorpus } from '../src/data/corpus.js'
import { trainCell } from '../src/experiment/train.js'
import { disposeTrainer } from '../src/experiment/trainer.js'
import { checkpointFolder } from '../src/run-folder/layout.js'
import { bench } from './command-line.js'

let folder: string
beforeAll(async () => {
  await selectBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'alibi-lengths-'))
  await writeFile(join(folder, 'text.txt'), Array.from({ length: 400 }, (_, i) => `${i} is ${i % 7}.\n`).join(''))
})
afterAll(() => rm(folder, { recursive: true }))

const lengthSchedule = [
  { length: 8, share: 0.5 },
  { length: 32, share: 0.5 },
]
const configWith = (options: RunOptions) =>
  resolveRunConfig({
    ...{ strategies: ['alibi'], seeds: [1], data: join(folder, 'text.txt'), steps: 6, batchSize: 2, evalLengths: [32] },
    ...{ numLayers: 1, modelDim: 8, numHeads: 2, checkpointEvery: 100, lengthSchedule },
    ...options,
  })

describe('a length schedule', () => {
  it('has stages of as many tokens a step', () => {
    const config = configWith({ steps: 5 })
    expect(config.trainLength).toBe(32)
    const stages = stagesOf(config)
    expect(stages).toEqual([
      { length: 8, rows: 8, end: 3 },
      { length: 32, rows: 2, end: 5 },
    ])
    expect([0, 2, 3, 4].map((step) => stageAt(stages, step).length)).toEqual([8, 8, 32, 32])
    expect(stagesOf({ ...config, lengthSchedule: undefined })).toEqual([{ length: 32, rows: 2, end: 5 }])
    expect(lengthScheduleText(lengthSchedule)).toBe('8:0.5,32:0.5')
    // Of 12·8 for weights and the length for keys, by the first stage's.
    expect(meanWork(config)).toBeCloseTo((0.5 * (96 + 8) + 0.5 * (96 + 32)) / (96 + 8), 12)
  })

  it.each([
    [{ lengthSchedule: [{ length: 32, share: 1 }] }, 'lengthSchedule: expected at least 2 of them'],
    [
      {
        lengthSchedule: [
          { length: 8, share: 0.5 },
          { length: 32, share: 0.4 },
        ],
      },
      'shares that add up to 1 in a length schedule, got 0.9',
    ],
    [
      {
        lengthSchedule: [
          { length: 8, share: 0 },
          { length: 32, share: 1 },
        ],
      },
      'lengthSchedule.0.share: expected more than 0, got 0',
    ],
    [
      {
        lengthSchedule: [
          { length: 8, share: 0.5 },
          { length: 8, share: 0.5 },
        ],
      },
      'another length in each stage in a length schedule, got 8 twice in a row',
    ],
    [{ trainLength: 16 }, 'the train length 16 as the longest length in a length schedule, got 32'],
    [
      {
        lengthSchedule: [
          { length: 24, share: 0.5 },
          { length: 32, share: 0.5 },
        ],
      },
      'cut the 64 tokens of a step into whole rows in a length schedule, got 24',
    ],
    [
      {
        lengthSchedule: [
          { length: 8, share: 0.99 },
          { length: 32, share: 0.01 },
        ],
      },
      'a step or more for each stage of 6 steps in a length schedule, got none at 32',
    ],
    [{ batches: 'blocks', tokenizer: 'words' }, 'batches anywhere in a length schedule, got blocks'],
    [
      {
        microBatches: 2,
        batchSize: 6,
        lengthSchedule: [
          { length: 64, share: 0.5 },
          { length: 96, share: 0.5 },
        ],
      },
      'whole rows, 2 or a multiple of them in a length schedule, got 64',
    ],
  ] satisfies [RunOptions, string][])('%j is refused in one line', (options, message) => {
    expect(() => configWith(options)).toThrow(message)
  })

  it('is an option of the command line', async () => {
    const refused = async (text: string, message: string) =>
      expect((await bench('train', '--length-schedule', text)).stderr.join()).toContain(message)
    await refused('8,32', '--length-schedule: expected lengths with shares, as 256:0.8, got 8,32')
    await refused('8:half,32:0.5', '--length-schedule: expected a number')
    await refused('8:0.5,32:0.2', 'expected shares that add up to 1 in a length schedule, got 0.7')
  })
})

/** Trains in a folder; with `stop` until the line of that step. */
async function trainIn(name: string, stop?: number): Promise<TrainLine[]> {
  const config = configWith({})
  const [controller, lines] = [new AbortController(), [] as TrainLine[]]
  const log = () => {}
  const corpus = await readCorpus(config, { log, signal: controller.signal })
  const cell = { strategy: 'alibi', seed: 1 }
  const trained = trainCell(cell, {
    ...{ config, corpus, registry: builtInStrategies, folder: join(folder, name), signal: controller.signal },
    append: async (...more) => {
      lines.push(...(more as TrainLine[]))
      if (lines.at(-1)!.step === stop) controller.abort()
    },
    progress: { line: log, start() {}, update() {}, stop() {} },
  })
  if (stop !== undefined) await expect(trained).rejects.toThrow('abort')
  else disposeTrainer(await trained)
  return lines
}
const weights = (name: string) =>
  readFile(join(checkpointFolder(join(folder, name), { strategy: 'alibi', seed: 1 }), 'weights.safetensors'))

describe('training by it', () => {
  it.each([2, 3, 4])(
    'ends with the same bits after a stop at step %i of 6, where 3 is the last short one',
    async (stop) => {
      const whole = await trainIn(`whole-${stop}`)
      const parts = [...(await trainIn(`parts-${stop}`, stop)), ...(await trainIn(`parts-${stop}`))]
      expect(parts.map(({ step, lossNats }) => [step, lossNats])).toEqual(
        whole.map(({ step, lossNats }) => [step, lossNats]),
      )
      expect(await weights(`parts-${stop}`)).toEqual(await weights(`whole-${stop}`))
    },
  )

  it('is another training than at one length', async () => {
    const losses = await trainIn('scheduled')
    expect(losses.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6])
    const metadata = JSON.parse(
      await readFile(
        join(checkpointFolder(join(folder, 'scheduled'), { strategy: 'alibi', seed: 1 }), 'checkpoint.json'),
        'utf8',
      ),
    ).metadata
    expect(metadata).toMatchObject({ lengthSchedule, trainLength: 32 })
  })
})
