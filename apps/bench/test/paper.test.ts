import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { seededRandom } from '@alibi/core'
import { fairseqDictionaryOf, loadFairseq, saveFairseq } from '@alibi/fairseq'
import { createModel, evaluate } from '@alibi/transformer'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { paperCommand } from '../src/commands/paper.js'
import { paperCells } from '../src/paper/cells.js'

// A dressed rehearsal: checkpoints of several train lengths as the authors' are named, but tiny and untrained.
let folder: string
const at = (...path: string[]) => join(folder, ...path)
const TRAIN_LENGTHS = [64, 512]

const random = seededRandom(5)
const text = (lines: number) =>
  Array.from({ length: lines }, () =>
    Array.from({ length: 1 + Math.floor(12 * random()) }, () => `w${Math.floor(40 * random() ** 3)}`).join(' '),
  ).join(' \n ')
const parts = { train: text(300), valid: `${text(100)} \n`, test: `${text(90)} \n` }
const dictionary = fairseqDictionaryOf(Buffer.from(parts.train))

beforeAll(async () => {
  await selectBackend('auto')
  folder = await mkdtemp(join(tmpdir(), 'alibi-paper-'))
  await mkdir(at('checkpoints'))
  await mkdir(at('wikitext'))
  for (const [part, words] of Object.entries(parts)) await writeFile(at('wikitext', `wiki.${part}.tokens`), words)
  for (const trainLength of TRAIN_LENGTHS)
    await saveTiny(at('checkpoints', `alibi_wt103_L${trainLength}.pt`), trainLength)
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

async function saveTiny(path: string, trainLength: number, seed = trainLength) {
  const sizes = { vocabularySize: dictionary.size, numLayers: 2, modelDim: 16, numHeads: 2, finalNorm: false }
  const model = createModel({ ...sizes, adaptiveCutoffs: [8, 24] }, alibi({ numHeads: 2 }), seed)
  await saveFairseq(path, model, { trainLength })
  model.dispose()
}

/** What the command prints, line by line: tables, and what it says on the way. */
async function paper(...options: string[]) {
  const out = vi.spyOn(console, 'log').mockReturnValue()
  const said: string[] = []
  let printed: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => said.push(`${line}`) > 0)
  try {
    await paperCommand().parseAsync([...options], { from: 'user' })
  } finally {
    vi.mocked(process.stderr.write).mockRestore()
    printed = out.mock.calls.flatMap(([all]) => `${all}`.split('\n'))
    out.mockRestore()
  }
  return { printed, said }
}
const here = (...options: string[]) =>
  paper(at('checkpoints'), '--data', at('wikitext'), '--out', at('out'), ...options)

/** Cells of a printed row. */
const rowsOf = (lines: readonly string[]) =>
  lines
    .filter((line) => /^\| (valid|test)/.test(line))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    )

async function perplexity(trainLength: number, part: 'valid' | 'test', evalLength: number, stride?: number) {
  const { model } = await loadFairseq(at('checkpoints', `alibi_wt103_L${trainLength}.pt`))
  const tokens = Int32Array.of(2, ...dictionary.encode(Buffer.from(parts[part])))
  const how = stride === undefined ? {} : { protocol: 'sliding' as const, stride, windows: 'fairseq' as const }
  const { perplexity } = await evaluate(model, tokens, { evalLength, ...how })
  model.dispose()
  return perplexity
}

it('fills a table beside the paper, and goes on where it was', async () => {
  const { printed, said } = await here('--table', '5', '--rows', '64,512,1024')
  const rows = rowsOf(printed)
  expect(rows).toHaveLength(8 + 5 + 4)
  for (const [part, trained, read, ours, theirs, difference, left] of rows) {
    const published = paperCells.find(
      (cell) => cell.table === '5' && `${cell.trainLength}` === trained && `${cell.evalLength}` === read,
    )!
    expect(theirs).toBe(published.perplexity.toFixed(2))
    if (trained === '1024') {
      expect([ours, difference, left]).toEqual(['', '', 'no checkpoint'])
      continue
    }
    const expected = await perplexity(Number(trained), part as 'valid', Number(read))
    expect(ours).toBe(expected.toFixed(2))
    expect(Number(difference!.replace('−', '-'))).toBeCloseTo(expected - published.perplexity, 1)
    expect(left).toBe('')
  }
  for (const line of printed.filter((line) => !line.includes(folder))) expect(line.length).toBeLessThanOrEqual(80)
  expect(printed).toContain('  alibi_wt103_L1024.pt')
  expect(printed.at(-1)).toBe('13 of 17 cells; 4 without a checkpoint')
  expect(said.join('')).toContain('loading')
  expect((await readFile(at('out/paper.md'), 'utf8')).trim().split('\n').at(-1)).toBe(printed.at(-1))

  // A line that was cut off is scored again; no other.
  const kept = await readFile(at('out/paper.jsonl'), 'utf8')
  await writeFile(at('out/paper.jsonl'), kept.slice(0, -20))
  const again = await here('--table', '5', '--rows', '64,512')
  expect(again.said.join('').match(/loading/g)).toHaveLength(1)
  expect(rowsOf(again.printed)).toEqual(rows.slice(0, 13))
  const lines = (await readFile(at('out/paper.jsonl'), 'utf8')).trim().split('\n')
  expect(lines.slice(0, -1)).toEqual(kept.trim().split('\n').slice(0, -1))
  const last = await here('--table', '5', '--rows', '64,512')
  expect(last.said.join('')).not.toContain('loading')
})

it('slides as the paper: by 512 over both parts, by 1 over the validation part', async () => {
  const { printed } = await here('--table', '7,13', '--rows', '512')
  const rows = rowsOf(printed)
  expect(rows.map(([part, , read]) => `${part} ${read}`)).toEqual([
    ...['valid 3072', 'test 3072'],
    ...['valid 512', 'valid 1024', 'valid 1536', 'valid 2048', 'valid 3072'],
  ])
  expect(rows[1]![3]).toBe((await perplexity(512, 'test', 3072, 512)).toFixed(2))
  expect(rows[2]![3]).toBe((await perplexity(512, 'valid', 512, 1)).toFixed(2))
  expect(printed.filter((line) => line.startsWith('Table'))).toHaveLength(2)
})

it('says how long each cell takes, and scores nothing', async () => {
  const { printed } = await paper(at('checkpoints'), '--data', at('nowhere'), '--out', at('dry'), '--dry-run')
  const rows = rowsOf(printed)
  expect(rows).toHaveLength(paperCells.length)
  for (const row of rows) expect(row[6]).toMatch(/^(\d+\.\d\d|< 0\.01)$/)
  // Windows that advance by one token are read 512 times and more.
  expect(Number(rows.at(-1)![6])).toBeGreaterThan(0)
  expect(printed.join('\n')).toContain('wiki.train.tokens, wiki.valid.tokens, wiki.test.tokens of WikiText-103')
  await expect(stat(at('dry'))).rejects.toThrow('ENOENT')
  for (const line of printed.filter((line) => !line.includes(folder))) expect(line.length).toBeLessThanOrEqual(80)
})

describe('without what it needs', () => {
  it('says what to fetch from where', async () => {
    const out = vi.spyOn(console, 'log').mockReturnValue()
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    await expect(
      paperCommand().parseAsync([at('empty'), '--rows', '512,3072', '--data', at('wikitext')], { from: 'user' }),
    ).rejects.toThrow(
      `paper: expected checkpoints in ${at('empty')}, got none; fetch them as listed, or add --download`,
    )
    const text = out.mock.calls.map(([all]) => all).join('\n')
    expect(text).toContain('https://dl.fbaipublicfiles.com/train_short_test_long/wt103/')
    expect(text).toContain('\n  alibi_wt103_L512.pt\n  alibi_wt103_L3072.pt\n')
    expect(text).not.toContain('wiki.valid.tokens')
  })

  it('fetches, each file from where an earlier download stopped', async () => {
    const bytes = await readFile(at('checkpoints/alibi_wt103_L512.pt'))
    await mkdir(at('fetched'))
    await writeFile(at('fetched/alibi_wt103_L512.pt.partial'), bytes.subarray(0, 1000))
    const asked = vi.fn(async (url: string, { headers }: { headers: { range: string } }) => {
      expect(url).toBe('https://dl.fbaipublicfiles.com/train_short_test_long/wt103/alibi_wt103_L512.pt')
      expect(headers.range).toBe('bytes=1000-')
      return new Response(bytes.subarray(1000), { status: 206 })
    })
    vi.stubGlobal('fetch', asked)
    const options = ['--data', at('wikitext'), '--out', at('out'), '--table', '5', '--rows', '512', '--download']
    const { printed } = await paper(at('fetched'), ...options)
    expect(asked).toHaveBeenCalledTimes(1)
    expect(await readFile(at('fetched/alibi_wt103_L512.pt'))).toEqual(bytes)
    // The same file as that of the other tests, whose cells are in the folder.
    expect(printed.at(-1)).toBe('5 of 5 cells')
  })

  it('refuses in one line', async () => {
    const refused = (message: string, ...options: string[]) => expect(here(...options)).rejects.toThrow(message)
    await refused('expected tables from 2, 5, 7, 13, 14, 15, which the checkpoints fill, got 11', '--table', '11')
    await refused('expected rows from the train lengths 64, 128', '--rows', '100')
    await refused('expected rows that table 7 has, got 64', '--table', '7', '--rows', '64')
    await refused('wiki.valid.tokens, which is not there', '--table', '5', '--rows', '64', '--data', at('empty'))
    await cp(at('checkpoints/alibi_wt103_L64.pt'), at('fetched/alibi_wt103_L128.pt'))
    await expect(
      paper(at('fetched'), '--data', at('wikitext'), '--out', at('out'), '--table', '5', '--rows', '128'),
    ).rejects.toThrow('expected a train length of 128')
  })
})

it('does not take the number of another checkpoint or text', async () => {
  await here('--table', '5', '--rows', '64')
  await mkdir(at('others'))
  await saveTiny(at('others/alibi_wt103_L64.pt'), 64, 99)
  const other = await paper(at('others'), '--data', at('wikitext'), '--out', at('out'), '--table', '5', '--rows', '64')
  const first = await here('--table', '5', '--rows', '64')
  expect(rowsOf(other.printed)[0]![3]).not.toBe(rowsOf(first.printed)[0]![3])
})
