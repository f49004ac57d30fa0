import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { byLayer, none, reference } from '@alibi/core'
import { emptyResults, type Results, readingGroups, rowsOf } from '@alibi/results'
import { builtInStrategies } from '@alibi/strategies'
import { t5Bias } from '@alibi/t5-bias'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { resolveRunConfig } from '../src/config/resolve.js'
import { reportFigures } from '../src/report/figures/all.js'
import { markdownReport } from '../src/report/markdown.js'
import { htmlReport } from '../src/report/page/page.js'
import { differencesFromPaper } from '../src/report/paper/comparable.js'
import { published } from '../src/report/paper/published.js'
import { repeatCommand } from '../src/report/repeat.js'
import { writeReport } from '../src/report/write.js'
import { exampleResults } from './example-results.js'

const example = exampleResults()
const only = (strategy: string, seed = 1): Results => {
  const keep = (line: { strategy: string; seed: number }) => line.strategy === strategy && line.seed === seed
  const { run, train, evals, positions, retrieval, tasks, contexts } = example
  return {
    run,
    train: train.filter(keep),
    evals: evals.filter(keep),
    positions: positions.filter(keep),
    retrieval: retrieval.filter(keep),
    tasks: tasks.filter(keep),
    contexts: contexts.filter(keep),
  }
}

describe('rows and readings', () => {
  it('are strategies × train lengths, and ways of reading', () => {
    expect(rowsOf(example).slice(0, 3)).toMatchObject([
      { name: 'alibi', trainLength: 128 },
      { name: 'alibi', trainLength: 256 },
      { name: 'sinusoidal', trainLength: 128 },
    ])
    expect(readingGroups(example.evals).map(({ name }) => name)).toEqual([
      'non-overlapping',
      'sliding window, stride 64',
    ])
  })

  it('say which strides and windows, and how sizes differ', () => {
    const [line] = example.evals
    const read = (evalLength: number, stride: number, attentionWindow?: number) => ({
      ...line!,
      protocol: 'sliding' as const,
      evalLength,
      stride,
      ...(attentionWindow && { attentionWindow }),
    })
    const names = (...lines: Results['evals'][number][]) => readingGroups(lines).map(({ name }) => name)
    expect(names(read(128, 64), read(256, 128))).toEqual(['sliding window, stride half the length'])
    expect(names(read(128, 64), read(128, 1))).toEqual(['sliding window, stride 1', 'sliding window, stride 64'])
    expect(names(read(256, 1), read(256, 1, 128))).toEqual([
      'sliding window, stride 1',
      'sliding window, attention limited to the train length, stride 1',
    ])
    const sizes = rowsOf({ ...emptyResults(example.run), evals: [line!, { ...line!, size: '16x1024x8' }] })
    expect(sizes.map(({ name }) => name)).toEqual(['alibi 4x128x4', 'alibi 16x1024x8'])
  })
})

describe('the paper', () => {
  it('has its published numbers', () => {
    const find = (strategy: string, trainLength: number, evalLength: number, table: string) =>
      published.find(
        (each) =>
          each.strategy === strategy &&
          each.trainLength === trainLength &&
          each.evalLength === evalLength &&
          each.table === table,
      )?.perplexity
    expect(find('alibi', 512, 512, '2')).toBe(19.73)
    expect(find('sinusoidal', 1024, 16024, '3')).toBe(453.32)
    expect(find('t5-bias', 3072, 13072, '4')).toBe(19.1)
    expect(find('t5-bias', 3072, 14072, '4')).toBeUndefined()
    expect(find('alibi', 512, 3072, '5')).toBe(18.4)
    expect(find('rotary', 3072, 3072, '5')).toBe(18.57)
    expect(find('sinusoidal', 512, 1024, '13 to 15')).toBe(204.42)
    // Tables 2 to 4 and table 5 tell of the same models.
    for (const length of [512, 1024, 3072])
      expect(find('alibi', length, length, '5')).toBe(find('alibi', length, length, TABLE_OF[length]!))
  })

  it('compares with a run of its setting alone', () => {
    const same = resolveRunConfig({ preset: 'paper-wt103' })
    expect(differencesFromPaper({ ...example.run, config: same })).toEqual([])
    expect(differencesFromPaper({ ...example.run, config: { ...same, numHeads: 16 } })).toEqual([
      'numHeads 16 (the paper: 8)',
    ])
    expect(differencesFromPaper(example.run)).toContain('data typescript (the paper: wikitext-103)')
    const results = { ...only('alibi'), run: { ...example.run, config: same } }
    const evals = results.evals.map((line) => ({ ...line, trainLength: 512, evalLength: 512, perplexity: 20.7165 }))
    const page = htmlReport({ ...results, evals }, reportFigures(results, new Map()))
    expect(page).toContain('<td>20.7<td>19.73<td>5.0 %<td>2')
    expect(htmlReport(example, reportFigures(example, new Map()))).toContain('do not compare')
  })
})
const TABLE_OF: Record<number, string> = { 512: '2', 1024: '3', 3072: '4' }

describe('figures', () => {
  it('are drawn of whatever a run has', () => {
    for (const results of [
      emptyResults(example.run),
      only('alibi'),
      { ...only('none'), evals: only('none').evals.slice(0, 1) },
    ]) {
      const [page] = htmlReport(results, reportFigures(results, new Map())).split('<script>')
      expect(page!.match(/.{0,80}(?:NaN|undefined|Infinity)/)).toBeNull()
    }
  })

  it('tell the seconds to a loss that all reached, and memory of cells that had processes of their own', () => {
    const cost = (results: Results) => reportFigures(results, new Map()).cost
    const line = { type: 'train', trainLength: 128, seed: 1, size: '4x128x4', tokensPerSecond: 1 } as const
    const train = [
      { ...line, strategy: 'alibi', step: 1, lossNats: 4, elapsedSeconds: 10, peakResidentBytes: 5e8 },
      { ...line, strategy: 'alibi', step: 2, lossNats: 2.5, elapsedSeconds: 20, peakResidentBytes: 6e8 },
      { ...line, strategy: 'alibi', step: 3, lossNats: 2, elapsedSeconds: 30, peakResidentBytes: 7e8 },
      { ...line, strategy: 'none', step: 1, lossNats: 5, elapsedSeconds: 1000, peakResidentBytes: 4e8 },
      { ...line, strategy: 'none', step: 2, lossNats: 3, elapsedSeconds: 1234, peakResidentBytes: 5e8 },
    ]
    const of = (id: string, results: Results) => cost(results).find((figure) => figure.id === id)
    const own = { ...emptyResults(example.run), train }
    const texts = (id: string) =>
      of(id, own)!.table.body.map((row) => row.map((cell) => (typeof cell === 'string' ? cell : cell.text)))
    expect(texts('time-to-loss')).toEqual([
      ['alibi', '20.0', '20.0', '20.0'],
      ['none', '1,234', '1,234', '1,234'],
    ])
    expect(of('time-to-loss', own)!.caption).toContain('3.000 nats')
    expect(texts('train-memory').map((row) => row[1])).toEqual(['700', '500'])
    const shared = train.map((each) => ({ ...each, peakResidentBytes: 8e8 }))
    expect(of('train-memory', { ...own, train: shared })).toBeUndefined()
  })

  it('show the bias that was trained, and none before', () => {
    const { config } = example.run
    const ids = (trained: Parameters<typeof reportFigures>[1]) =>
      reportFigures(example, trained).biases.map(({ id }) => id)
    expect(ids(new Map())).toEqual(['bias-alibi'])
    // Head 1 loses 3 nats from bucket 1 on.
    const table = Float64Array.from({ length: 32 * config.numHeads }, (_, i) =>
      i >= config.numHeads && i % config.numHeads === 0 ? -3 : 0,
    )
    const trained = new Map([['t5-bias', [{ table: reference.tensor(table, [32, config.numHeads]) }]]])
    expect(ids(trained)).toEqual(['bias-alibi', 'bias-t5-bias'])
    const [, t5] = reportFigures(example, trained).biases
    expect(t5!.table.body.at(-1)!.slice(1, 3)).toEqual(['-3.00', '0.00'])
  })

  it('show the bias of each layer that differs', () => {
    const mixed = builtInStrategies.with('mixed', ({ numHeads }) => {
      const gentle = alibi({ numHeads, slopes: new Array(numHeads).fill(1 / 64) })
      return byLayer([gentle, none(), gentle, t5Bias({ numHeads, perLayer: true })])
    })
    const { run } = example
    const results = emptyResults({ ...run, config: { ...run.config, strategies: ['mixed'] } })
    const table = reference.tensor(new Float64Array(32 * run.config.numHeads), [32, run.config.numHeads])
    const biases = (trained: Parameters<typeof reportFigures>[1]) =>
      reportFigures(results, trained, mixed).biases.map(({ id, title }) => [id, title])
    const gentle = ['bias-mixed-layer-1', 'Attention bias of mixed, layer 1']
    expect(biases(new Map())).toEqual([gentle])
    expect(biases(new Map([['mixed', [{}, {}, {}, { table }]]]))).toEqual([
      gentle,
      ['bias-mixed-layer-4', 'Attention bias of mixed, layer 4, as trained from seed 1'],
    ])
  })
})

it('gives the command that runs it again', () => {
  expect(repeatCommand(example.run.config)).toBe(
    'pnpm bench run --preset quick --strategies alibi,sinusoidal,rotary,t5-bias,none --seeds 1,2,3',
  )
  const other = resolveRunConfig({ preset: 'small', data: "my texts/it's", windowedControl: true, steps: 7, stride: 3 })
  expect(repeatCommand(other)).toBe(
    "pnpm bench run --preset small --data 'my texts/it'\\''s' --stride 3 --windowed-control --steps 7",
  )
})

it('writes a page of its own below 500 kB, and every figure as SVG and PNG', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'alibi-report-'))
  try {
    const { html } = await writeReport(folder, example)
    const page = await readFile(html, 'utf8')
    expect(Buffer.byteLength(page)).toBeLessThan(500_000)
    expect(page.match(/(?:src|href)="(?!#|data:)|url\((?!#)|@import/g)).toBeNull()
    expect(page).toContain('a &lt;processor&gt; &amp; more')
    const ids = Object.values(reportFigures(example, new Map()))
      .flat()
      .map(({ id }) => id)
    expect(await readdir(join(folder, 'figures'))).toEqual(ids.flatMap((id) => [`${id}.png`, `${id}.svg`]).sort())
    const png = await readFile(join(folder, 'figures/perplexity.png'))
    expect(png.toString('latin1', 1, 4)).toBe('PNG')
    // Width and height are at 16: twice the picture's.
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1920, 800])
  } finally {
    await rm(folder, { recursive: true })
  }
})

it('writes all but PNG files where the library that draws them has no binary, and says so once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'alibi-report-'))
  const told = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(async () => {
    vi.doUnmock('@resvg/resvg-js')
    vi.restoreAllMocks()
    await rm(folder, { recursive: true })
  })
  vi.resetModules()
  vi.doMock('@resvg/resvg-js', () => {
    throw new Error("Cannot find module '@resvg/resvg-js-linux-s390x-gnu'")
  })
  const { html } = await (await import('../src/report/write.js')).writeReport(folder, example)
  expect(told.mock.calls).toEqual([
    [expect.stringMatching(/^no PNG files in figures\/, SVG alone: @resvg\/resvg-js does not load on .+\)$/)],
  ])
  expect(new Set((await readdir(join(folder, 'figures'))).map((name) => extname(name)))).toEqual(new Set(['.svg']))
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['report.md', basename(html)]))
})

describe('the report of tasks alone', () => {
  /** `none` does addition at every length and copies up to 32 tokens, ALiBi up to 16; three seeds. */
  const lines = ['addition', 'copy'].flatMap((trainedOn) =>
    ['none', 'alibi'].flatMap((strategy) =>
      [1, 2, 3].map((seed) => ({ strategy, trainLength: 24, seed, size: '2x64x4', trainedOn })),
    ),
  )
  const scoreOf = ({ strategy, trainedOn }: (typeof lines)[number], length: number) =>
    strategy === 'alibi' ? Number(length <= 16) : trainedOn === 'addition' ? 1 : Number(length <= 32)
  const { run } = example
  const sweep = {
    ...{ plan: 'p', trainLengths: [24], sizes: [{ numLayers: 2, modelDim: 64, numHeads: 4 }] },
    tasks: [{ name: 'copy' }, { name: 'addition' }],
  }
  const results: Results = {
    ...emptyResults({ ...run, sweep, config: { ...run.config, strategies: ['none', 'alibi'], data: 'task:copy' } }),
    train: lines.map((cell) => ({ type: 'train', ...cell, step: 10, lossNats: 1, tokensPerSecond: 100 })),
    tasks: lines.flatMap((cell) =>
      [16, 32, 64].map((evalLength) => ({
        ...{
          type: 'task' as const,
          ...cell,
          task: cell.trainedOn,
          evalLength,
          length: evalLength / 4,
          unit: 'letters',
        },
        ...{ scoring: 'likelihood', score: scoreOf(cell, evalLength), trials: 200 },
      })),
    ),
  }

  it('has a curve by length and an effective length for each task, in the order of the plan, and nothing of perplexity', () => {
    const figures = reportFigures(results, new Map())
    expect(figures.tasks.map(({ id }) => id)).toEqual(['task-copy', 'task-addition'])
    expect(figures.training.map(({ id }) => id)).toEqual(['training-copy', 'training-addition'])
    const [copy] = figures.tasks
    expect(copy!.table.head.map((cell) => (typeof cell === 'string' ? cell : cell.text))).toEqual([
      'length, tokens',
      'none',
      'alibi',
    ])
    expect(copy!.table.body[1]).toEqual([
      '32 (8 letters)',
      // Wilson's upper end of 0 of 200 is 3.84 / 203.84.
      { text: '100 %', note: '3 seeds, interval 98 % to 100 %' },
      { text: '0 %', note: '3 seeds, interval 0 % to 2 %' },
    ])
    const svg = copy!.panels[0]!.draw({ title: '', width: 760, height: 400 } as never)
    expect(svg).toContain('train length')
    const page = htmlReport(results, figures)
    expect(page).toMatch(/Effective length, tokens.*copy<td>32<td>16.*addition<td>≥ 64<td>16/s)
    expect(page).toMatch(/beyond the train length, mean over lengths.*copy<td>50 %<td>0 %.*all 2<td>75 %<td>0 %/s)
    expect(page).toContain('trials of copy and addition')
    expect(page).not.toContain('id="paper"')
    expect(page).not.toContain('Perplexity')
    const text = markdownReport(results)
    expect(text).toContain('## Right answers, copy')
    expect(text).not.toContain('Perplexity')
  })
})
