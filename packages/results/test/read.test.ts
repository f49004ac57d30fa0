import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { emptyResults, linesOf, parseResults, resultsText } from '../src/index.js'
import { appendResults, readResults, resultsPath, writeResults } from '../src/node.js'
import { evaluation, positions, results, run, train } from './example.js'

const text = (...lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
const parse = (...lines: readonly object[]) => parseResults(text(...lines), 'a file')

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-results-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('results.jsonl', () => {
  it('reads what was written, in its order', async () => {
    await writeResults(folder, linesOf({ ...results, evals: [] }))
    for (const each of results.evals) await appendResults(folder, each)
    const read = await readResults(folder)
    expect(read).toMatchObject(results)
    expect(read.lines.map(({ type }) => type)).toEqual([
      'run',
      'train',
      'positions',
      'retrieval',
      'task',
      'context',
      'eval',
      'eval',
      'eval',
      'eval',
    ])
    expect(read.notes).toEqual([])
    expect(await readdir(folder)).toEqual(['results.jsonl'])
    const written = await readFile(resultsPath(folder), 'utf8')
    await writeResults(folder, read.lines)
    expect(await readFile(resultsPath(folder), 'utf8')).toBe(written)
  })

  it('reads files of before lines said which cell they are of', () => {
    const { trainLength, size, elapsedSeconds, peakResidentBytes, ...old } = train
    expect(parse(run, old)).toMatchObject({ ...emptyResults(run), train: [{ ...old, trainLength: 100, size }] })
  })

  it.each([
    ['half a line', '{"type":"eval","str'],
    ['a line that another was written into', '{"type":"eval","str{"type":"eval"}\n'],
    ['compressed bytes', `${gzipSync('{"type":"eval"}\n').toString('latin1')}\n`],
    ['zeros', `${'\0'.repeat(100)}\n${'\0'.repeat(9)}`],
    ['null', 'null\n'],
    ['a list', '[1, 2]\n'],
    ['bytes that are no UTF-8', '{"type":"eval","strategy":"\xff\xfe"}\n'],
  ])('leaves out %s at the end, with a note', async (_what, tail) => {
    await writeResults(folder, linesOf(results))
    await appendFile(resultsPath(folder), tail, 'latin1')
    const read = await readResults(folder)
    expect(read).toMatchObject(results)
    expect(read.notes).toEqual([expect.stringMatching(/^lines? 11( to \d+)? (is|are) left out: no whole JSON object/)])
  })

  it('says where it is damaged, if whole lines follow', async () => {
    await writeResults(folder, linesOf(results))
    await appendFile(resultsPath(folder), `\0\0\n${JSON.stringify({ ...train, step: 10 })}\n`)
    await expect(readResults(folder)).rejects.toThrow(/expected JSON objects in .*, line 11, got a damaged line/)
  })

  it('reads what editors and other systems make of lines', async () => {
    const [first, ...rest] = text(...linesOf(results))
      .trimEnd()
      .split('\n')
    await writeFile(resultsPath(folder), `\uFEFF${[first, '', ...rest].join('\r\n')}`)
    expect(await readResults(folder)).toMatchObject(results)
  })

  it('reads lines of any length over the bounds of what is read at once', async () => {
    const long = { ...run, device: 'é'.repeat(3_000_000) }
    await writeFile(resultsPath(folder), text(long, train))
    expect(await readResults(folder)).toMatchObject({ run: long, train: [train] })
  })

  it('writes many lines in pieces, as no text is long enough for those of a big sweep', async () => {
    const lines = [run, ...Array.from({ length: 25_000 }, (_, i) => ({ ...train, step: i + 1 }))]
    const file = await open(join(folder, 'any'), 'w')
    const written = vi.spyOn(Object.getPrototypeOf(file) as typeof file, 'writeFile')
    await writeResults(folder, lines)
    const pieces = written.mock.calls.map(([piece]) => `${piece}`)
    written.mockRestore()
    await file.close()
    expect(pieces.length).toBeGreaterThan(1)
    for (const piece of pieces) expect(piece.split('\n').length).toBeLessThanOrEqual(10_001)
    expect(await readFile(resultsPath(folder), 'utf8')).toBe(resultsText(lines))
  })

  it('reads what someone has compressed, if only in part', async () => {
    await writeResults(folder, linesOf(results))
    const packed = gzipSync(await readFile(resultsPath(folder)))
    await rm(resultsPath(folder))
    await writeFile(`${resultsPath(folder)}.gz`, packed)
    expect(await readResults(folder)).toMatchObject(results)
    await writeFile(`${resultsPath(folder)}.gz`, packed.subarray(0, -9))
    expect((await readResults(folder)).run).toEqual(run)
    await writeFile(`${resultsPath(folder)}.gz`, 'no gzip')
    await expect(readResults(folder)).rejects.toThrow(/^results: expected gzip in .*results.jsonl.gz, got other bytes/)
  })

  it('refuses what is no file', async () => {
    await mkdir(resultsPath(folder))
    await expect(readResults(folder)).rejects.toThrow(/^results: expected a file, got .*results.jsonl, which is none$/)
    await rm(resultsPath(folder), { recursive: true })
    await promisify(execFile)('mkfifo', [resultsPath(folder)])
    await expect(readResults(folder)).rejects.toThrow(/^results: expected a file, got .*results.jsonl, which is none$/)
    await expect(readResults('')).rejects.toThrow('got an empty name')
    await expect(readResults(join(folder, 'nowhere'))).rejects.toThrow('which has none')
  })
})

describe('a reader of newer files', () => {
  it('keeps what it does not know, and says it once', () => {
    const lines = [
      { ...run, weather: 'fine', config: { ...run.config, fresh: 3, preset: 'huge' }, colour: [1] },
      { ...train, watts: 100 },
      { ...train, step: 10, watts: 120 },
      { type: 'energy', joules: 5 },
      { ...evaluation('alibi', 1, 100, 4), protocol: 'skipping' },
      { ...positions, bins: [{ ...positions.bins[0], median: 1 }] },
    ]
    const read = parse(...lines)
    expect(read.run.config).toMatchObject({ fresh: 3, preset: 'huge' })
    expect(read.evals[0]!.protocol).toBe('skipping')
    expect(read.notes).toEqual([
      'weather of run lines (1) are not known to this version: kept, and not shown',
      'colour of run lines (1) are not known to this version: kept, and not shown',
      'watts of train lines (2) are not known to this version: kept, and not shown',
      'lines of type energy (1) are not known to this version: kept, and not shown',
    ])
    const before = resultsText(read.lines)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(before.slice(0, 5)).toEqual(lines.slice(0, 5))
  })

  it('needs of a run only what rows are made with', () => {
    const config = { strategies: ['mine'], seeds: [1], trainLength: 8 }
    const read = parse({ type: 'run', schemaVersion: 1, config })
    expect(read.run).toMatchObject({ backend: 'unknown', device: 'unknown', versions: {}, commit: null })
  })

  it.each(
    readdirSync(fileURLToPath(new URL('../../../docs/results', import.meta.url))).filter((name) =>
      name.endsWith('.jsonl'),
    ),
  )('reads docs/results/%s, and writes it as it was', (name) => {
    const kept = readFileSync(new URL(`../../../docs/results/${name}`, import.meta.url), 'utf8')
    const read = parseResults(kept, name)
    expect(read.notes).toEqual([])
    expect(read.evals.length + read.tasks.length).toBeGreaterThan(0)
    expect(resultsText(read.lines)).toBe(kept)
  })
})

describe('numbers that are not finite', () => {
  it('are strings in a file, and numbers again', () => {
    const [loss, perplexity, speed] = [Number.NaN, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    const line = { ...evaluation('alibi', 1, 100, 4), lossNats: loss, perplexity, tokensPerSecond: speed }
    const bins = [{ ...positions.bins[0]!, lossNats: Number.NEGATIVE_INFINITY }]
    const lines = [run, { ...train, lossNats: Number.NaN }, line, { ...positions, bins }] as const
    const written = resultsText(lines)
    expect(written).toContain('"lossNats":"NaN","perplexity":"Infinity"')
    const read = parseResults(written, 'a file')
    expect(read.lines).toEqual(lines)
    expect(resultsText(read.lines)).toBe(written)
  })

  it.each([
    ['null', 'as JSON.stringify and older versions made of them'],
    ['NaN', 'as json.dumps of Python writes them'],
  ])('are read from %s, %s', (value) => {
    const line = JSON.stringify({ ...train, strategy: 'a "NaN, b: NaN' }).replace(
      '"lossNats":2',
      `"lossNats": ${value}`,
    )
    const [read] = parseResults(`${JSON.stringify(run)}\n${line}\n`, 'a file').train
    expect(read).toMatchObject({ strategy: 'a "NaN, b: NaN', lossNats: Number.NaN })
  })
})
