// A run that was begun with one setting or text is not resumed with another, and a damaged checkpoint has a way out.
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readResults } from '@alibi/results/node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { runConfigSchema } from '../src/config/schema.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

let folder: string
let text: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-resume-'))
  text = join(folder, 'text.txt')
  await writeFile(text, Array.from({ length: 200 }, (_, i) => `${i % 5} is ${i % 7}\n`).join(''))
  const sizes = [
    '--num-layers',
    '1',
    '--model-dim',
    '8',
    '--num-heads',
    '2',
    '--train-length',
    '8',
    '--batch-size',
    '2',
  ]
  const words = ['--data', text, '--tokenizer', 'words', '--vocabulary-size', '16', '--strategies', 'alibi,none']
  const short = ['--steps', '6', '--checkpoint-every', '2', '--eval-lengths', '8,16', '--eval-tokens', '64']
  const { code } = await bench('run', '--backend', 'cpu', '--out', join(folder, 'whole'), ...sizes, ...words, ...short)
  expect(code).toBe(0)
})
afterAll(() => rm(folder, { recursive: true }))

let count = 0
async function copyOfRun(): Promise<string> {
  count += 1
  const to = join(folder, `${count}`)
  await cp(join(folder, 'whole'), to, { recursive: true })
  return to
}
const results = (run: string) => readFile(join(run, 'results.jsonl'), 'utf8')

/** Changes the settings that a run was begun with. */
async function edit(run: string, change: object): Promise<void> {
  const [first = '', ...rest] = (await results(run)).split('\n')
  const line = JSON.parse(first)
  const changed = { ...line, config: { ...line.config, ...change } }
  await writeFile(join(run, 'results.jsonl'), [JSON.stringify(changed), ...rest].join('\n'))
}

async function expectRefused(run: string, message: RegExp): Promise<void> {
  const before = await results(run)
  const { code, stderr } = await bench('run', '--resume', '--out', run)
  expect(stderr.filter((line) => line.startsWith('bench: '))).toEqual([expect.stringMatching(message)])
  expect(code).toBe(1)
  expect(await results(run)).toBe(before)
}

describe('a setting that was edited between a checkpoint and --resume is refused by name', () => {
  const changes = {
    ...{ batchSize: 4, microBatches: 2, trainLength: 16, tokenizer: 'prose', vocabularySize: 8, randomPositions: 32 },
    ...{ numLayers: 2, modelDim: 16, numHeads: 4, activation: 'gelu', dropout: 0.1, attentionDropout: 0.1 },
    ...{
      activationDropout: 0.1,
      finalNorm: false,
      adaptiveCutoffs: [4],
      optimizer: 'sgd-nesterov',
      learningRate: 0.01,
    },
    ...{ minLearningRate: 1e-5, warmupSteps: 3, weightDecay: 0.2, clipNorm: 2, steps: 5, firstToken: 'eos' },
    lengthSchedule: [
      { length: 4, share: 0.5 },
      { length: 8, share: 0.5 },
    ],
    ...{ batches: 'blocks', devices: 2, initialization: 'fairseq', initialLearningRate: 1e-6 },
  }

  it.each(Object.entries(changes))('%s', async (name, value) => {
    const run = await copyOfRun()
    await edit(run, { [name]: value })
    await expectRefused(run, new RegExp(`checkpoint: expected ${name} .*as the run has it.* got .*of another run`))
  })

  it('and every one that decides training is among them', () => {
    // Where a text is, and what the evaluations and the results are: a model does not depend on them.
    const others = [
      'preset',
      'data',
      'strategies',
      'seeds',
      'plugins',
      'variants',
      'checkpointEvery',
      'windowedControl',
    ]
    const evaluation = ['evalLengths', 'evalTokens', 'protocols', 'stride']
    // Only with adaptive cutoffs, of a family, going on from a model, of a file, and of documents: they are named above by what they
    // change, or refused where they are tested.
    const dependent = ['tailDropout', 'architecture', 'from', 'tokenizerFile', 'pack']
    const known = [...Object.keys(changes), ...others, ...evaluation, ...dependent]
    expect(known.sort()).toEqual(Object.keys(runConfigSchema.shape).sort())
  })

  it('as are other cells', async () => {
    const run = await copyOfRun()
    await edit(run, { strategies: ['alibi', 'rotary'] })
    await expectRefused(run, /run: expected lines of the cells that the first line of .* names, got one of none/)
  })
})

it('a text that was edited is refused, one that was moved is not', async () => {
  const run = await copyOfRun()
  const before = await readFile(text)
  await writeFile(text, `${before}7 is 7\n`)
  await expectRefused(
    run,
    /run: expected data with the text that alibi-seed1 was trained on, got another from .*text\.txt/,
  )
  await writeFile(text, before)
  await cp(text, join(folder, 'moved.txt'))
  await edit(run, { data: join(folder, 'moved.txt') })
  expect(await bench('run', '--resume', '--out', run)).toMatchObject({ code: 0 })
})

describe('a damaged checkpoint', () => {
  it('is named with its way out, and --retrain trains that model anew and no other', async () => {
    const run = await copyOfRun()
    const weights = join(run, 'checkpoints/none-seed1/weights.safetensors')
    const bytes = await readFile(weights)
    bytes[bytes.length - 1]! ^= 1
    await writeFile(weights, bytes)
    const other = join(run, 'checkpoints/alibi-seed1/weights.safetensors')
    const { mtimeMs } = await stat(other)
    // An evaluation is lacking, so that the model is needed.
    await writeFile(
      join(run, 'results.jsonl'),
      (await results(run)).replaceAll(/.*"(eval|positions)","strategy":"none".*\n/g, ''),
    )
    await expectRefused(run, /damaged.*With --resume --retrain \(a sweep: --retry\) none-seed1 is trained anew/)
    const { code, stderr } = await bench('run', '--resume', '--retrain', '--out', run)
    expect(code).toBe(0)
    expect(stderr.join('\n')).toMatch(/none-seed1 is trained anew; its checkpoint is now .*none-seed1\.damaged: /)
    expect((await stat(other)).mtimeMs).toBe(mtimeMs)
    expect(await readdir(join(run, 'checkpoints'))).toEqual(['alibi-seed1', 'none-seed1', 'none-seed1.damaged'])
    const numbers = async (at: string) => {
      const { train, evals } = await readResults(at)
      const byName = (a: { strategy: string; lossNats: number }, b: typeof a) =>
        a.strategy < b.strategy ? -1 : a.strategy > b.strategy ? 1 : a.lossNats - b.lossNats
      return [...train, ...evals].map(({ strategy, lossNats }) => ({ strategy, lossNats })).sort(byName)
    }
    expect(await numbers(run)).toEqual(await numbers(join(folder, 'whole')))
  })
})
