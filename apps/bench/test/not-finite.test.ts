// Numbers that are not finite, in any field of any line: the other rows stand, and all that reads results goes on.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkFindings, compareResults, evidenceText, linesOf, type Results } from '@alibi/results'
import { readResults, writeResults } from '@alibi/results/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { comparisonText } from '../src/report/comparison.js'
import { evaluationsCsv } from '../src/report/downloads.js'
import { markdownReport } from '../src/report/markdown.js'
import { resultTables } from '../src/report/result-tables.js'
import { writeReport } from '../src/report/write.js'
import { openEvents } from '../src/sinks/tensorboard/events.js'
import { watchedFolder } from '../src/watch/folder.js'
import { viewer } from '../src/watch/view.js'
import { exampleResults } from './example-results.js'

const example = exampleResults()
const BROKEN = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]

/** The measured numbers of every type of line. */
const FIELDS = {
  train: ['lossNats', 'tokensPerSecond', 'elapsedSeconds', 'peakResidentBytes'],
  evals: ['lossNats', 'perplexity', 'bitsPerByte', 'tokensPerSecond', 'peakBytes'],
  positions: ['bins'],
} as const

/** The example, where those lines of a strategy have `value` in a field. */
function withValue(type: keyof typeof FIELDS, field: string, value: number, strategy: string): Results {
  const change = <L extends { strategy: string }>(line: L): L => {
    if (line.strategy !== strategy) return line
    if (field !== 'bins') return { ...line, [field]: value }
    const { bins } = line as unknown as Results['positions'][number]
    return { ...line, bins: bins.map((bin) => ({ ...bin, lossNats: value })) }
  }
  return { ...example, [type]: (example[type] as readonly { strategy: string }[]).map(change) }
}

/** Losses with each value that is not finite, the rest with one. */
const CASES = Object.entries(FIELDS).flatMap(([type, fields]) =>
  fields.flatMap((field) =>
    (field === 'lossNats' ? BROKEN : [field === 'perplexity' ? Number.POSITIVE_INFINITY : Number.NaN]).map(
      (value) => [type as keyof typeof FIELDS, field, value] as const,
    ),
  ),
)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-not-finite-'))
})
afterEach(() => rm(folder, { recursive: true }))

it.each(CASES)(
  '%s lines with %s of %d are kept, and every table, figure, finding and comparison is made',
  async (type, field, value) => {
    const results = withValue(type, field, value, 'rotary')
    await writeResults(folder, linesOf(results))
    const read = await readResults(folder)
    expect(linesOf(read)).toEqual(linesOf(results))
    expect(markdownReport(read)).not.toMatch(/NaN|Infinity/)
    expect(comparisonText(compareResults(example, read))).not.toMatch(/NaN|Infinity/)
    expect(checkFindings(read)).toHaveLength(5)
    expect(evaluationsCsv(read).split('\r\n')).toHaveLength(example.evals.length + 2)
    const watched = await watchedFolder(folder)()
    if (watched.kind !== 'found') throw new Error(watched.message)
    const page = JSON.stringify(viewer()(watched, 3))
    expect(page).not.toMatch(/NaN|Infinity/)
  },
)

describe('a strategy whose losses are not finite beyond the train length', () => {
  const line = (each: Results['evals'][number]) =>
    each.strategy === 'rotary' && each.evalLength > each.trainLength && each.seed === 2
      ? { ...each, lossNats: Number.NaN, perplexity: Number.NaN, bitsPerByte: Number.NaN }
      : each
  const results = { ...example, evals: example.evals.map(line) }

  it('is shown by its name, and the others as they were', () => {
    const [before, after] = [resultTables(example)[0]!, resultTables(results)[0]!]
    const rowsOf = ({ rows }: typeof before, strategy: string) =>
      rows.map(({ cells }) => cells.map(({ text }) => text)).filter(([name]) => name === strategy)
    expect(rowsOf(after, 'rotary')[0]).toEqual([
      'rotary',
      '128',
      expect.stringMatching(/^\d/),
      ...Array.from({ length: 4 }, () => 'not finite (1 of 3 seeds)'),
      expect.stringMatching(/^\d/),
    ])
    for (const strategy of ['alibi', 'sinusoidal', 't5-bias', 'none'])
      expect(rowsOf(after, strategy)).toEqual(rowsOf(before, strategy))
  })

  it('is never the best, nor told level with it', () => {
    const nan = {
      ...example,
      evals: example.evals.map((each) => (each.strategy === 'alibi' ? { ...each, perplexity: Number.NaN } : each)),
    }
    for (const { rows } of resultTables(nan))
      for (const { cells } of rows)
        if (cells[0]!.text === 'alibi')
          expect(cells.slice(2, -1).map(({ mark }) => mark)).toEqual(cells.slice(2, -1).map(() => undefined))
  })

  it('is judged by what is finite alone', () => {
    const further = checkFindings(results)[1]!
    expect(evidenceText(further.evidence)).not.toMatch(/NaN|Infinity/)
  })

  it('has a whole report, and event files', async () => {
    await writeReport(folder, results)
    const page = await readFile(join(folder, 'report.html'), 'utf8')
    expect(page).toContain('not finite (1 of 3 seeds)')
    expect(page.replaceAll(/<script[\s\S]*?<\/script>|data:[^"]*/g, '')).not.toMatch(/\bNaN\b|\bInfinity\b|undefined/)
    expect((await readdir(join(folder, 'figures'))).length).toBeGreaterThan(10)
    const add = await openEvents(join(folder, 'events'), results)
    await add([{ ...example.train[0]!, step: 9999, lossNats: Number.NaN }])
    expect(await readdir(join(folder, 'events'))).toHaveLength(30)
  })
})
