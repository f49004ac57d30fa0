import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { emptyResults, linesOf, modelSize, type Results, type TrainLine } from '@alibi/results'
import { appendResults, resultsPath, writeResults } from '@alibi/results/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunConfig } from '../src/config/schema.js'
import { lockFolder } from '../src/run-folder/lock.js'
import { cellStates } from '../src/watch/cell-state.js'
import { meanOfLast, pointsEvery } from '../src/watch/curves.js'
import { watchedFigures } from '../src/watch/figures.js'
import { watchedFolder } from '../src/watch/folder.js'
import { wholeProgress } from '../src/watch/progress.js'
import { chooseCurves, type StatedCell } from '../src/watch/selection.js'
import { serveWatch } from '../src/watch/server.js'
import { tailResults } from '../src/watch/tail.js'
import { viewer } from '../src/watch/view.js'
import { watchableFolder } from '../src/watch/watchable-folder.js'
import { exampleResults } from './example-results.js'

const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-watch-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('a mean of losses', () => {
  const line = (step: number, lossNats: number) => ({ step, lossNats }) as TrainLine

  const loss = ({ lossNats }: TrainLine) => lossNats

  it('is of the lines before alone, each by its steps', () => {
    const lines = [line(10, 4), line(20, 2), line(25, 1), line(35, 5)]
    expect(meanOfLast(lines, loss, 3)).toEqual([
      { x: 10, y: 4, low: 4, high: 4 },
      { x: 20, y: 3, low: 2, high: 4 },
      { x: 25, y: (4 * 10 + 2 * 10 + 1 * 5) / 25, low: 1, high: 4 },
      { x: 35, y: (2 * 10 + 1 * 5 + 5 * 10) / 25, low: 1, high: 5 },
    ])
    expect(meanOfLast(lines, loss, 1).map(({ y }) => y)).toEqual([4, 2, 1, 5])
  })

  it('is drawn at as many points as a screen has room for, the last among them, with what lies between in its band', () => {
    expect([1, 200, 201, 400, 401, 100_000].map(pointsEvery)).toEqual([1, 1, 2, 2, 4, 512])
    const lines = Array.from({ length: 100_001 }, (_, i) => line(i + 1, i === 700 ? 9 : 2))
    const points = meanOfLast(lines, loss, 512, 512)
    expect(points.length).toBe(196)
    expect(points.slice(0, 2)).toEqual([
      { x: 512, y: 2, low: 2, high: 2 },
      { x: 1024, y: 2 + 7 / 512, low: 2, high: 9 },
    ])
    expect(points.at(-1)!.x).toBe(100_001)
  })
})

const example = exampleResults()
const { run } = example

/** What is said of each cell of the folder. */
async function statesOf(of = folder): Promise<string[]> {
  const watched = await watchedFolder(of)()
  if (watched.kind !== 'found') return [`${watched.kind}: ${watched.message}`]
  const states = cellStates(watched.cells, watched.run.sweep === undefined)
  return watched.cells.map(({ key }, i) =>
    [`${key.strategy} L${key.trainLength} seed ${key.seed}:`, states[i]!.state, states[i]!.detail].join(' ').trim(),
  )
}

describe('a run that is watched', () => {
  const config: RunConfig = {
    ...run.config,
    strategies: ['alibi', 'learned', 'mine', 'none'],
    seeds: [1],
    evalLengths: [128, 256],
  }
  const begun = emptyResults({ ...run, config })
  const train = (strategy: string, step: number): TrainLine => ({ ...example.train[0]!, strategy, step })
  const evaluation = (strategy: string, evalLength: number) => ({ ...example.evals[0]!, strategy, evalLength })

  it('is waited for, told of cell by cell, and goes on after half a line', async () => {
    expect(await statesOf(join(folder, 'later'))).toEqual(['waiting: waiting for results to be written there'])
    await writeResults(folder, linesOf(begun))
    const release = await lockFolder(folder)
    expect((await statesOf())[0]).toBe('alibi L128 seed 1: training')
    await appendResults(folder, train('alibi', 30))
    expect(await statesOf()).toEqual([
      'alibi L128 seed 1: training 30 of 1,500 steps',
      'learned L128 seed 1: to be done',
      'mine L128 seed 1: to be done',
      'none L128 seed 1: to be done',
    ])
    await appendResults(folder, train('alibi', 1500), evaluation('alibi', 128))
    expect((await statesOf())[0]).toBe('alibi L128 seed 1: evaluating trained, 1 of 2 evaluations')
    // A learned table is not evaluated beyond the train length.
    await appendResults(folder, evaluation('alibi', 256), train('learned', 1500), evaluation('learned', 128))
    expect((await statesOf())[1]).toBe('learned L128 seed 1: finished')
    // Of a plugin that is not known before the next cell begins.
    await appendResults(folder, train('mine', 1500), evaluation('mine', 128))
    expect((await statesOf())[2]).toBe('mine L128 seed 1: evaluating trained, 1 of 2 evaluations')
    await appendResults(folder, train('none', 60))
    await writeFile(resultsPath(folder), '{"type":"train","strat', { flag: 'a' })
    expect(await statesOf()).toEqual([
      'alibi L128 seed 1: finished',
      'learned L128 seed 1: finished',
      'mine L128 seed 1: finished',
      'none L128 seed 1: training 60 of 1,500 steps',
    ])
    release()
    await expect.poll(async () => (await statesOf())[3]).toBe('none L128 seed 1: stopped 60 of 1,500 steps')
    await writeFile(resultsPath(folder), 'no results\n')
    expect(await statesOf()).toEqual([
      expect.stringMatching(/^unreadable: results: expected a first line of type run in .*, got a damaged line$/),
    ])
  })
})

describe('a sweep that is watched', () => {
  const trainLengths = [128, 256]
  const sizes = [{ numLayers: 4, modelDim: 128, numHeads: 4 }]
  const config = { ...run.config, strategies: ['alibi', 'none'], seeds: [1] }
  const sweep = { plan: 'plan', trainLengths, sizes, tokensPerStep: 4096 }

  async function writeCell(
    hash: string,
    strategy: string,
    trainLength: number,
    steps: number,
    change: Partial<RunConfig> = {},
  ) {
    const own: RunConfig = {
      ...{ ...config, strategies: [strategy], trainLength, batchSize: 4096 / trainLength, ...change },
      evalLengths: config.evalLengths.filter((length) => length >= trainLength),
    }
    const path = join(folder, 'cells', `${strategy}-L${trainLength}-${modelSize(own)}-seed1-${hash}`)
    await mkdir(path, { recursive: true })
    const lines = example.train.filter((line) => line.strategy === strategy && line.trainLength === trainLength)
    const results: Results = {
      ...emptyResults({ ...run, config: own }),
      train: lines.filter(({ seed, step }) => seed === 1 && step <= steps),
    }
    await writeResults(path, linesOf(results))
    return path
  }
  const end = (path: string, value: object) => writeFile(join(path, 'end.json'), JSON.stringify(value))

  it('has every cell of its plan, whatever became of it, and none of a plan before', async () => {
    await writeResults(folder, linesOf(emptyResults({ ...run, config, sweep })))
    await end(await writeCell('0', 'alibi', 128, 1500), { end: 'finished' })
    const failed = await writeCell('1', 'none', 128, 300)
    await end(failed, { end: 'failed', message: 'the <disk> is full' })
    const atWork = await writeCell('2', 'alibi', 256, 600)
    const release = await lockFolder(atWork)
    // Of more steps than the plan has now.
    await end(await writeCell('3', 'none', 256, 1500, { steps: 9000 }), { end: 'finished' })
    const told = [
      'alibi L128 seed 1: finished',
      'none L128 seed 1: failed the <disk> is full',
      'alibi L256 seed 1: training 600 of 1,500 steps',
      'none L256 seed 1: to be done',
    ]
    expect(await statesOf()).toEqual(told)
    const view = viewer()(await watchedFolder(folder)(), 1)
    expect(view.status).toBe('1 of 4 cells finished; 1 running; 1 failed')
    expect(view.whole).toMatch(/^<progress value="0\.\d+" .*> \d+ % of the work, about .* left$/)
    expect(view.cells).toContain('the &lt;disk&gt; is full')
    expect(view.sections.loss!.map(([id]) => id)).toEqual(['loss-128', 'loss-256'])

    release()
    // Tried again.
    const again = await lockFolder(failed)
    await expect
      .poll(() => statesOf())
      .toEqual(
        told
          .with(1, 'none L128 seed 1: training 300 of 1,500 steps')
          .with(2, 'alibi L256 seed 1: stopped 600 of 1,500 steps'),
      )
    again()
  })
})

it('takes the results of a sweep that were kept without its cells', async () => {
  const results = '../../../docs/results/extrapolation.jsonl'
  await copyFile(new URL(results, import.meta.url), resultsPath(folder))
  const view = viewer()(await watchedFolder(folder)(), 1)
  expect(view.status).toBe('30 of 30 cells finished')
  expect(view.whole).toContain('100 % of the work')
})

describe('many cells', () => {
  const cells = (seeds: number, change: (i: number) => Partial<StatedCell> = () => ({})): StatedCell[] =>
    Array.from({ length: seeds }, (_, i) => {
      const seed = i + 1
      const train = example.train
        .filter((line) => line.strategy === 'alibi' && line.trainLength === 128 && line.seed === 1)
        .map((line, j) => ({ ...line, seed, lossNats: line.lossNats + i, tokensPerSecond: j ? 1000 : 1 }))
      const key = { strategy: 'alibi', trainLength: 128, seed, size: '4x128x4' }
      const results = { ...emptyResults(run), train }
      return {
        key,
        config: run.config as RunConfig,
        results,
        end: undefined,
        atWork: false,
        state: 'finished',
        ...change(i),
      }
    })
  const points = ({ results }: StatedCell) => meanOfLast(results!.train, ({ lossNats }) => lossNats, 1)

  it('have a curve each while they are few, which differ in their dashes', () => {
    const curves = chooseCurves(cells(6), points)
    expect(curves.map(({ name }) => name)).toEqual([1, 2, 3, 4, 5, 6].map((seed) => `alibi seed ${seed}`))
    expect(new Set(curves.map(({ style }) => JSON.stringify(style.dash))).size).toBe(6)
    expect(new Set(curves.map(({ style }) => style.colour)).size).toBe(1)
  })

  it('are one curve of those that are finished, and one each of those that are not', () => {
    const some = cells(2000, (i) => (i < 3 ? { state: 'stopped' } : i > 1997 ? { state: 'training' } : {}))
    const curves = chooseCurves(some, points)
    expect(curves.map(({ name }) => name)).toEqual([
      'alibi, 1,995 seeds',
      ...[1999, 2000, 1, 2, 3].map((seed) => `alibi seed ${seed}`),
    ])
    expect(curves[0]!.points[0]).toMatchObject({ x: 30, low: 4.2 + 3, high: 4.2 + 1997, y: expect.closeTo(4.2 + 1000) })
    const { loss } = watchedFigures(some, 1)
    expect(loss[0]!.figure.table.head.length).toBe(7)
    expect(loss[0]!.from.length).toBeLessThan(60_000)
  })

  it('have a speed that the first step, which is compiled, is no part of', () => {
    const [speed] = watchedFigures(cells(2), 1).speed
    expect(speed!.figure.table.body.map(([step]) => step)).not.toContain('30')
    expect(speed!.figure.table.body[0]).toEqual(['60', '1,000', '1,000'])
  })

  it('are told of together: how much is done, and how long the rest takes the processes that work', () => {
    // 50 seconds each: one is finished, one half done, two are to be done.
    const some = cells(4, (i) =>
      i === 1 ? { state: 'training' } : i > 1 ? { results: undefined, state: 'to be done' } : {},
    )
    const half = { ...some[1]!, results: { ...some[1]!.results!, train: some[1]!.results!.train.slice(0, 25) } }
    const four = some.with(1, half)
    const states = four.map(({ state }) => ({ state, detail: '' }))
    expect(wholeProgress(four, states)).toEqual({ share: 75 / 200, secondsLeft: 125 })
    expect(wholeProgress(four, states.with(1, { state: 'stopped', detail: '' })).secondsLeft).toBeUndefined()
    expect(wholeProgress(four.slice(2), states.slice(2))).toEqual({ share: 0, secondsLeft: undefined })
  })
})

describe('what has not changed', () => {
  it('is the same object, and is not drawn again', async () => {
    await writeResults(folder, linesOf({ ...emptyResults(run), train: example.train.slice(0, 30) }))
    const [read, view] = [watchedFolder(folder), viewer()]
    const first = await read()
    expect(await read()).toBe(first)
    expect(view(first, 1)).toBe(view(await read(), 1))
    await appendResults(folder, example.train[30]!)
    const second = await read()
    expect(second).not.toBe(first)
    expect(view(second, 1)).not.toBe(view(first, 1))
  })

  it('is not read again: only what a file has more of is', async () => {
    const tail = tailResults(folder)
    expect(await tail.read()).toBeUndefined()
    await writeResults(folder, linesOf({ ...emptyResults(run), train: example.train.slice(0, 3) }))
    const first = (await tail.read())!
    expect(first.train).toHaveLength(3)
    const whole = JSON.stringify(example.train[3])
    await writeFile(resultsPath(folder), whole.slice(0, 40), { flag: 'a' })
    const half = (await tail.read())!
    expect(half.train).toHaveLength(3)
    await writeFile(resultsPath(folder), `${whole.slice(40)}\n`, { flag: 'a' })
    const grown = (await tail.read())!
    expect(grown.train).toHaveLength(4)
    // The lines of before are the objects of before.
    expect(grown.train[0]).toBe(first.train[0])
    // A slice of time that is over at once reads half a megabyte.
    const sliced = tailResults(folder)
    const many = Array.from({ length: 4000 }, (_, i) => ({ ...example.train[0]!, step: i + 1 }))
    await writeResults(folder, linesOf({ ...emptyResults(run), train: many }))
    const counts: number[] = []
    do counts.push((await sliced.read(0))!.train.length)
    while (sliced.left())
    expect(counts).toEqual([expect.any(Number), 4000])
    expect(counts[0]).toBeLessThan(4000)
    // Begun again, damaged, mended.
    await writeResults(folder, linesOf({ ...emptyResults(run), train: example.train.slice(5, 6) }))
    expect((await tail.read())!.train).toEqual([example.train[5]])
    await writeFile(resultsPath(folder), 'no results\n{}\n')
    await expect(tail.read()).rejects.toThrow('damaged line')
    await writeResults(folder, linesOf({ ...emptyResults(run), train: example.train.slice(0, 2) }))
    expect((await tail.read())!.train).toHaveLength(2)
  })
})

describe('bench watch', () => {
  async function start(...args: string[]) {
    const child = spawn(process.execPath, [bench, 'watch', ...args])
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => (stdout += chunk))
    child.stderr.on('data', (chunk) => (stderr += chunk))
    const end = once(child, 'close').then(([code]) => ({ code, stdout, stderr }))
    const url = async () => {
      await expect.poll(() => stdout, { timeout: 20_000 }).toContain(' shows ')
      return stdout.split(' ')[0]!
    }
    return { child, end, url }
  }

  it('says where the page is, and ends at Ctrl-C with a page open', async () => {
    const { child, end, url } = await start(join(folder, 'later'))
    const page = await fetch(await url())
    expect(await page.text()).toContain('waiting for results')
    const events = await fetch(`${await url()}events`)
    expect(events.headers.get('content-type')).toBe('text/event-stream')
    child.kill('SIGINT')
    expect(await end).toMatchObject({ code: 0, stderr: '' })
    await expect(events.text()).rejects.toThrow()
  })

  it('says in one line what is wrong', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const inUse = await (await start(folder, '--port', `${port}`)).end
    expect(inUse).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(`^bench: watch: .* got ${port}, which is in use; .*\n$`),
    })
    server.close()
    await writeFile(join(folder, 'file'), '')
    const file = await (await start(join(folder, 'file'))).end
    expect(file).toMatchObject({ code: 1, stderr: expect.stringMatching(/^bench: watch: .*, which is a file\n$/) })
  })

  it('is for this machine alone, by its own names', async () => {
    const stopping = new AbortController()
    let served: Promise<void> | undefined
    const url = await new Promise<string>((onListening) => {
      served = serveWatch(watchableFolder(folder), 0, { onListening, signal: stopping.signal })
    })
    const statusOf = async (
      path: string,
      options: { method?: string; path?: string; headers?: Record<string, string> },
    ) => {
      const [response] = await once(request(new URL(path, url), options).end(), 'response')
      response.resume()
      return response.statusCode
    }
    expect(await statusOf('/', {})).toBe(200)
    expect(await statusOf('/', { headers: { host: 'elsewhere.example' } })).toBe(403)
    expect(await statusOf('/', { method: 'POST' })).toBe(403)
    expect(await statusOf('/', { method: 'HEAD' })).toBe(200)
    expect(await statusOf('/events', { method: 'HEAD' })).toBe(200)
    expect(await statusOf('/nowhere', { method: 'HEAD' })).toBe(404)
    expect(await statusOf('/results.jsonl', {})).toBe(404)
    expect(await statusOf('/', { path: '//' })).toBe(403)
    stopping.abort()
    await served
  })
})
