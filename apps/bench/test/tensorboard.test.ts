import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EvalLine, emptyResults, type Results, type RetrievalLine, type TrainLine } from '@alibi/results'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openEvents } from '../src/sinks/tensorboard/events.js'
import { crc32c } from '../src/sinks/tensorboard/record.js'
import { exampleResults } from './example-results.js'

describe('crc32c', () => {
  // RFC 3720, B.4, and the check value of CRC catalogues.
  it.each<[string, readonly number[], number]>([
    ['zeros', Array(32).fill(0), 0x8a9136aa],
    ['ones', Array(32).fill(0xff), 0x62a8ab43],
    ['ascending', Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['descending', Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['123456789', [...Buffer.from('123456789')], 0xe3069283],
  ])('%s', (_, bytes, crc) => expect(crc32c(Uint8Array.from(bytes))).toBe(crc))
})

describe('event files', () => {
  const golden = new URL('./golden/tensorboard/', import.meta.url)
  const key = { strategy: 'alibi', trainLength: 16, seed: 1, size: '1x8x2' }
  const name = 'alibi-L16-1x8x2-seed1'
  const train = (step: number, lossNats: number): TrainLine => ({
    ...{ type: 'train', ...key, step, lossNats },
    ...{ tokensPerSecond: 1000 + step, elapsedSeconds: step / 3, peakResidentBytes: 5e8 },
  })
  const evaluation = (evalLength: number, lossNats: number, perplexity: number): EvalLine => ({
    ...{ type: 'eval', ...key, evalLength, protocol: 'nonoverlapping', stride: evalLength, tokens: 96 },
    ...{ lossNats, perplexity, bitsPerByte: 2, tokensPerSecond: 2000, peakBytes: 1 },
  })
  const found: RetrievalLine = {
    type: 'retrieval',
    task: 'copy',
    ...key,
    evalLength: 16,
    distance: 8,
    correct: 3,
    trials: 4,
  }
  const none = emptyResults(exampleResults().run)

  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'alibi-tensorboard-'))
    vi.useFakeTimers({ toFake: ['Date'] })
  })
  afterEach(async () => {
    vi.useRealTimers()
    await rm(folder, { recursive: true })
  })
  const files = async () => (await readdir(join(folder, name))).sort()

  it('are byte by byte those of TensorBoard, through a stop, steps taken back, and lengths out of order', async () => {
    vi.setSystemTime(1_700_000_000_500)
    const first = await openEvents(folder, none)
    for (const line of [train(30, 3.5), train(60, 3.25), train(90, 3.125)]) await first([line])
    vi.setSystemTime(1_700_000_100_250)
    const before: Results = { ...none, train: [train(30, 3.5), train(60, 3.25)] }
    const second = await openEvents(folder, before)
    for (const line of [train(90, 3), evaluation(32, 1.25, 3.5), evaluation(16, 1.5, 4.5), found]) await second([line])

    const written = await files()
    const expected = (await readdir(new URL(name, golden))).sort()
    expect(written).toHaveLength(expected.length)
    for (const [i, file] of written.entries())
      expect(await readFile(join(folder, name, file)), expected[i]).toEqual(
        await readFile(new URL(`${name}/${expected[i]}`, golden)),
      )
  })

  it('are read by TensorBoard as the lines that are kept', async () => {
    const { runs } = JSON.parse(await readFile(new URL('read.json', golden), 'utf8'))
    expect(runs).toEqual({
      [name]: {
        'eval/nonoverlapping/loss': [
          [16, 1.5],
          [32, 1.25],
        ],
        'eval/nonoverlapping/perplexity': [
          [16, 4.5],
          [32, 3.5],
        ],
        'eval/nonoverlapping/tokens per second': [
          [16, 2000],
          [32, 2000],
        ],
        'retrieval/copy in 16/share found': [[8, 0.75]],
        'train/loss': [
          [30, 3.5],
          [60, 3.25],
          [90, 3],
        ],
        'train/peak resident bytes': [
          [30, 5e8],
          [60, 5e8],
          [90, 5e8],
        ],
        'train/tokens per second': [
          [30, 1030],
          [60, 1060],
          [90, 1090],
        ],
      },
    })
  })

  it('of a later session come later in the order of their names, whatever the clock says', async () => {
    vi.setSystemTime(1_700_000_000_000)
    const lines = { ...none, train: [train(30, 3.5)] }
    await openEvents(folder, lines)
    const [first] = await files()
    vi.setSystemTime(1_600_000_000_000)
    await openEvents(folder, lines)
    expect((await files())[0]).toBe(first)
    expect((await files())[1]).toMatch(/^events\.out\.tfevents\.1700000001\./)
  })

  it('have a folder for each cell, and name controls by themselves', async () => {
    const add = await openEvents(folder, none)
    await add([train(30, 3.5), { ...train(30, 3.5), seed: 2 }])
    await add([{ ...evaluation(32, 1.5, 4.5), attentionWindow: 16 }])
    expect(await readdir(folder)).toEqual([name, 'alibi-L16-1x8x2-seed2'])
    const [file] = await files()
    expect((await readFile(join(folder, name, file!))).toString('latin1')).toContain(
      'eval/nonoverlapping, 16 keys/loss',
    )
  })

  it('are refused in one line where no folder can be', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    await expect(openEvents(file, { ...none, train: [train(30, 3.5)] })).rejects.toThrow(
      /^tensorboard: expected a folder to write to, got .*file/,
    )
  })
})
