import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
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
import { meanLoss } from '../src/watch/curves.js'
import { watchedFolder } from '../src/watch/folder.js'
import { serveWatch } from '../src/watch/server.js'
import { viewer } from '../src/watch/view.js'
import { exampleResults } from './example-results.js'

const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-watch-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('a mean of losses', () => {
  const line = (step: number, lossNats: number) => ({ step, lossNats }) as TrainLine

  it('is of the lines before alone, each by its steps', () => {
    const lines = [line(10, 4), line(20, 2), line(25, 1), line(35, 5)]
    expect(meanLoss(lines, 3)).toEqual([
      { x: 10, y: 4, low: 4, high: 4 },
      { x: 20, y: 3, low: 2, high: 4 },
      { x: 25, y: (4 * 10 + 2 * 10 + 1 * 5) / 25, low: 1, high: 4 },
      { x: 35, y: (2 * 10 + 1 * 5 + 5 * 10) / 25, low: 1, high: 5 },
    ])
    expect(meanLoss(lines, 1).map(({ y }) => y)).toEqual([4, 2, 1, 5])
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
    expect(view.status).toBe('1 of 4 cells finished; 1 failed; no process of this machine is at work')
    expect(view.cells).toContain('the &lt;disk&gt; is full')
    expect(view.sections.loss.map(([id]) => id)).toEqual(['loss-128', 'loss-256'])

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
      served = serveWatch(folder, 0, { onListening, signal: stopping.signal })
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
    expect(await statusOf('/results.jsonl', {})).toBe(404)
    expect(await statusOf('/', { path: '//' })).toBe(403)
    stopping.abort()
    await served
  })
})
