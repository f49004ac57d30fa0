import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { checkFindings } from '@alibi/results'
import { writeResults } from '@alibi/results/node'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { report } from '../src/commands/report.js'
import { downloadsOf } from '../src/report/downloads.js'
import { costFigures } from '../src/report/figures/cost.js'
import { positionFigures } from '../src/report/figures/positions.js'
import { escapeMarkdown, markdownReport } from '../src/report/markdown.js'
import { describeReach, reachList } from '../src/report/page/reach.js'
import { findingsSection } from '../src/report/page/results.js'
import { resultTables } from '../src/report/result-tables.js'
import { exampleResults } from './example-results.js'

const example = exampleResults()

describe('report.md', () => {
  it.each([
    ['<script>alert(1)</script>', '\\<script\\>alert(1)\\</script\\>'],
    ['a|b', 'a\\|b'],
    ['`code`', '\\`code\\`'],
    ['[link](http://x)', '\\[link\\](http://x)'],
    ['one\ntwo\r\n# three', 'one two \\# three'],
    ['**bold** _it_', '\\*\\*bold\\*\\* \\_it\\_'],
    ['&lt;', '\\&lt;'],
  ])('shows text as it is: %j', (text, shown) => expect(escapeMarkdown(text)).toBe(shown))

  it('has no name that Markdown would read, in whatever field', () => {
    const bad = '<script>|`x`\n## [a](b)'
    const rename = <L extends { strategy: string }>(lines: readonly L[]) =>
      lines.map((line) => ({ ...line, strategy: line.strategy === 'alibi' ? bad : line.strategy }))
    const { run, train, evals, positions, retrieval } = example
    const config = {
      ...run.config,
      strategies: run.config.strategies.map((name) => (name === 'alibi' ? bad : name)),
      data: bad,
    }
    const text = markdownReport({
      run: { ...run, config, device: bad, backend: bad, commit: bad, versions: { [bad]: bad } },
      train: rename(train),
      evals: rename(evals),
      tasks: [],
      contexts: [],
      positions: rename(positions),
      retrieval: rename(retrieval),
    })
    expect(text).not.toMatch(/(?<!\\)<script|(?<!\\)`|^## \[|[^\\]\[a/m)
    expect(text.match(/^## /gm)).toHaveLength(3)
  })
})

it('says what no mark in a column means, with one seed too', () => {
  const { run } = example
  const one = { ...example, run: { ...run, config: { ...run.config, seeds: [1] } } }
  expect(markdownReport(example)).toContain('No mark in a column: no row is significantly different from the best.')
  expect(markdownReport(one)).toContain('No mark in a column: one seed cannot show a difference.')
})

it('sets values off from names that end in a number', () => {
  const [speed] = costFigures(example)
  expect(speed!.description).toMatch(/^Training speed\. [^;]+: [\d,]+(; [^;]+: [\d,]+)+ tokens a second\.$/)
})

it('calls a place by one number, and several by two', () => {
  const places = positionFigures(example).flatMap(({ table }) => table.body.map(([first]) => String(first)))
  expect(places).toContain('0')
  for (const place of places) {
    const [from, to] = place.replaceAll(',', '').split(' to ').map(Number)
    expect(to ?? Number.POSITIVE_INFINITY).toBeGreaterThan(from!)
  }
})

it('has no column of training speed where nothing was trained', () => {
  expect(resultTables(example)[0]!.head).toContain('train tokens/s')
  const [table] = resultTables({ ...example, train: [] })
  expect(table!.head).not.toContain('train tokens/s')
  for (const { cells } of table!.rows) expect(cells).toHaveLength(table!.head.length)
})

it('shows the evidence of each finding in a table: what was compared, what came of it', () => {
  const html = findingsSection(example)
  const findings = checkFindings(example)
  expect(html.match(/<table/g)).toHaveLength(findings.length)
  const rows = [...html.matchAll(/<tr><th scope="row">([^<]*)<td>([^<]*)/g)].map(([, compared, result]) => [
    compared,
    result,
  ])
  const safe = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  expect(rows).toEqual(
    findings.flatMap(({ evidence }) => evidence.map(({ compared, result }) => [safe(compared), safe(result)])),
  )
  for (const [compared, result] of rows) {
    expect(compared).not.toBe('')
    expect(result).not.toBe('')
  }
})

describe('how far a strategy reads', () => {
  const by = (...lengths: number[]) => new Map(lengths.map((length, i) => [i + 1, Math.log(length)]))

  it('has an interval within the lengths that were tested, or none', () => {
    expect(describeReach(by(100, 100, 100), 64, 1024)).toBe('up to 100 tokens (95 % interval 100 to 100, 3 seeds)')
    // Of logarithms: √(50 · 200) = 100; t is 12.7062 and the standard error ln 2, so from 0 to 668,265.
    expect(describeReach(by(50, 200), 32, 1024)).toBe('up to 100 tokens (95 % interval 32 to more than 1,024, 2 seeds)')
    expect(describeReach(by(90), 64, 1024)).toBe('up to 90 tokens (one seed)')
    expect(describeReach(by(1024, 1024), 64, 1024)).toBe('at least 1,024 tokens, the longest length tested (2 seeds)')
    expect(describeReach(by(512, 1024), 64, 1024)).toContain('at least 724 tokens (')
    expect(describeReach(by(100, Number.NaN), 64, 1024)).toBe('an unknown length: losses are not finite (1 of 2 seeds)')
  })

  it('is a sentence a strategy, which rows can be picked from', () => {
    const html = reachList(example)
    expect(html.match(/<li /g)).toHaveLength(5)
    expect(html).toMatch(
      /<li data-strategy="alibi"><strong>alibi:<\/strong> <span>Trained at 128 or 256, it reads at least 2,048 tokens, [^.]*.<\/span>/,
    )
    expect(html).toMatch(/sinusoidal:<\/strong> <span data-train-length="128">Trained at 128, it reads up to 1\d\d/)
    const one = { ...example, evals: example.evals.filter(({ trainLength }) => trainLength === 128), train: [] }
    expect(reachList(one)).toMatch(/<strong>sinusoidal<\/strong> reads up to 1\d\d tokens \(95 % interval/)
  })
})

it('leaves the lines of training of a large sweep out of the page, and says so', () => {
  const [line] = example.train
  const kinds = (count: number) => {
    const [, all] = downloadsOf({ ...example, train: new Array(count).fill(line) })
    const text = gunzipSync(Buffer.from(all!.url.split(',')[1]!, 'base64')).toString()
    return { what: all!.what, train: text.split('\n').filter((each) => each.includes('"type":"train"')).length }
  }
  expect(kinds(100)).toEqual({ what: 'every line of the results, one JSON object a line, gzipped', train: 100 })
  const large = kinds(50_001)
  expect(large.train).toBe(0)
  expect(large.what).toContain(
    `50,001 lines of training and ${example.positions.length} of losses by position are in results.jsonl`,
  )
})

describe('a folder without results', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'alibi-no-results-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('is refused in a line that says what writes them', async () => {
    await writeFile(join(folder, 'plan.yaml'), 'strategies: [alibi]')
    await expect(report(folder)).rejects.toThrow(
      `report: expected a folder with results.jsonl, got ${folder}, which has none; bench run and bench sweep write one`,
    )
  })

  it('that have begun has no report, and a line that says so', async () => {
    await writeResults(folder, [example.run])
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    await report(folder)
    expect(log.mock.calls).toEqual([[`no report of ${folder}: its results have no line of training or evaluation yet`]])
    log.mockRestore()
    expect(await readdir(folder)).toEqual(['results.jsonl'])
  })
})
