// What finished cells go through on the sweep's side: they are put into the queue in pieces, fetched several at once, and neither
// lost nor doubled by a sweep that is killed at the worst moments. A worker that only writes lines does them.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type CellKey, type ResultLine, resultsText, SCHEMA_VERSION } from '@alibi/results'
import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { findRedis, NO_REDIS } from '../../../tooling/redis.mjs'
import { resolveRunConfig } from '../src/config/resolve.js'
import { FETCHED_AT_ONCE, fetchEnded } from '../src/queue/arrivals.js'
import { cellResult, jobId, queueName, readCellJob } from '../src/queue/cell-job.js'
import { connectQueue } from '../src/queue/connection.js'
import { queueDoer } from '../src/queue/enqueue.js'
import type { WaitingCells } from '../src/queue/waiting.js'
import { sweepCells } from '../src/sweep/cells.js'
import { decidedLines, startBench, until } from './bench-process.js'
import { type RedisServer, startRedis } from './redis-server.js'

/** What is done before a file is written whole. */
const files = vi.hoisted(() => ({ before: (_path: string): Promise<void> => Promise.resolve() }))
vi.mock(import('write-file-atomic'), async (original) => {
  const { default: write } = await original()
  const after = async (path: string, data: string | Buffer) => {
    await files.before(path)
    await write(path, data)
  }
  return { default: after as typeof write }
})

const CELLS = 30
const TRAIN_LINES = 20

/** What a cell's process would have written. */
function linesOf(key: CellKey): readonly ResultLine[] {
  const reading = { evalLength: 8, protocol: 'nonoverlapping', stride: 8 }
  return [
    ...Array.from({ length: TRAIN_LINES }, (_, i) => {
      const loss = key.seed + 1 / (i + 1)
      return { type: 'train', ...key, step: i + 1, lossNats: loss, tokensPerSecond: 1, elapsedSeconds: i } as const
    }),
    { type: 'eval', ...key, ...reading, tokens: 32, lossNats: key.seed, perplexity: Math.exp(key.seed) },
  ]
}

const hasRedis = findRedis() !== undefined
if (!hasRedis) console.log(`what a sweep fetches from a queue is not tested: ${NO_REDIS}`)

describe.skipIf(!hasRedis)('a sweep on a queue', () => {
  let folder: string
  let redis: RedisServer
  let connection: Redis
  let queue: Queue
  const workers: Worker[] = []
  const connect = () => connectQueue({ url: redis.url, shown: redis.url }, () => {})
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'alibi-queue-fetches-'))
    await writeFile(join(folder, 'text.txt'), 'The road is long. '.repeat(60))
    const plan = {
      ...{ strategies: ['alibi'], trainLengths: [8], tokensPerStep: 16 },
      seeds: Array.from({ length: CELLS }, (_, i) => i + 1),
      sizes: [{ numLayers: 1, modelDim: 8, numHeads: 2 }],
      settings: { data: './text.txt', steps: 40, evalLengths: [8], evalTokens: 32 },
    }
    await writeFile(join(folder, 'plan.json'), JSON.stringify(plan))
    redis = await startRedis(folder)
    connection = await connect()
    queue = new Queue(queueName('cpu'), { connection })
  })
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.close()
    await queue.obliterate({ force: true })
  })
  afterAll(async () => {
    await queue?.close()
    connection?.disconnect()
    await redis?.kill()
    if (folder) await rm(folder, { recursive: true })
  })

  /** How often cells were done, by their seeds. */
  const done = new Map<number, number>()
  const startWorker = () => {
    done.clear()
    workers.push(
      new Worker(
        queueName('cpu'),
        async ({ data }) => {
          const { key, config } = readCellJob(data)
          done.set(key.seed, (done.get(key.seed) ?? 0) + 1)
          const about = { seed: key.seed, backend: 'cpu', device: 'a test', versions: {}, commit: null }
          const first = { type: 'run', schemaVersion: SCHEMA_VERSION, config: { ...config }, ...about } as const
          return cellResult(resultsText([first, ...linesOf(key)]), 1)
        },
        { connection, concurrency: 4 },
      ),
    )
  }
  const counted = async (state: 'waiting' | 'completed' | 'failed') => (await queue.getJobCounts(state))[state]!
  const sweep = (out: string, killAt?: string) => {
    const words = ['sweep', 'plan.json', '--backend', 'cpu', '--out', out, '--queue', redis.url]
    if (killAt === undefined) return startBench(folder, words)
    const preloaded = `--import ${new URL('kill-at.mjs', import.meta.url)}`
    return startBench(folder, words, { KILL_AT: killAt, NODE_OPTIONS: preloaded })
  }

  /** What has not been measured of all cells' lines, in the order of the cells. */
  async function expectAll(out: string) {
    const lines = await decidedLines(join(folder, out))
    const [{ size } = { size: '' }] = lines as { size?: string }[]
    const all = Array.from({ length: CELLS }, (_, i) =>
      linesOf({ strategy: 'alibi', trainLength: 8, seed: i + 1, size: size! }),
    ).flat()
    const wanted = [...all.filter(({ type }) => type === 'train'), ...all.filter(({ type }) => type === 'eval')]
    const decided = wanted.map(({ tokensPerSecond: _, elapsedSeconds: __, ...rest }: Record<string, unknown>) => rest)
    expect(lines).toEqual(decided)
  }

  it('that is killed whenever it has written or removed something has every line once in the end', async () => {
    // Of eight cells that are fetched at once, some are further than others.
    const moments = [
      'before results.jsonl 2',
      'before end.json 3',
      'before lines 0',
      'half of lines 0',
      'after lines 0',
    ]
    for (const [i, moment] of moments.entries()) {
      const { child, ended, written } = sweep('killed', moment)
      if (i === 0) {
        await until(async () => (await counted('waiting')) === CELLS)
        startWorker()
      }
      await ended
      expect(child.signalCode, `${moment}: ${written.stderr}`).toBe('SIGKILL')
    }
    const last = sweep('killed')
    expect(await last.ended, last.written.stderr).toBe(0)
    await expectAll('killed')
    expect([...done].sort(([a], [b]) => a - b)).toEqual(Array.from({ length: CELLS }, (_, i) => [i + 1, 1]))
    // Also of those that it had when it was killed.
    expect(await counted('completed')).toBe(0)
  })

  it('beside another has its own lines, and the other has its own', async () => {
    const both = [sweep('left'), sweep('right')]
    await until(async () => (await counted('waiting')) === 2 * CELLS)
    startWorker()
    for (const { ended, written } of both) expect(await ended, written.stderr).toBe(0)
    for (const out of ['left', 'right']) await expectAll(out)
    expect(await counted('completed')).toBe(0)
  })

  const cellsOf = (count: number) => {
    const seeds = Array.from({ length: count }, (_, i) => i + 1)
    const config = resolveRunConfig({ strategies: ['alibi'], seeds, trainLength: 8, data: './text.txt' })
    return sweepCells({ runs: [config], texts: ['hash'], backend: { name: 'cpu', device: '' } })
  }
  const fail = (error: unknown) => {
    throw error
  }
  const quiet = { line() {}, start() {}, update() {}, stop() {} }
  const doer = async (name: string) =>
    queueDoer({
      ...{ sweep: name, folder: join(folder, name), backend: 'cpu' as const, connection: await connect() },
      ...{ priority: undefined, filesOf: () => undefined, line() {}, signal: new AbortController().signal },
    })

  it('fetches eight cells at once, and no more', async () => {
    const cells = cellsOf(20)
    const first = await doer('several')
    for (const cell of cells) void first.do(cell, quiet)
    await until(async () => (await counted('waiting')) === cells.length)
    await first.close()
    startWorker()
    await until(async () => (await counted('completed')) === cells.length)
    let [now, most] = [0, 0]
    files.before = async () => {
      now += 1
      most = Math.max(most, now)
      // Fetched one by one, the first would wait for the others without an end.
      await until(() => most >= FETCHED_AT_ONCE)
      await setTimeout(1)
      now -= 1
    }
    const fetched: number[] = []
    const waiting: WaitingCells = new Map(
      cells.map((cell) => [
        jobId('several', cell),
        { cell, progress: quiet, resolve: ({ results }) => fetched.push(results.evals[0]!.seed), reject: fail },
      ]),
    )
    await fetchEnded({ queue, waiting, folder: join(folder, 'several'), backend: 'cpu', say() {} })
    files.before = () => Promise.resolve()
    expect(most).toBe(8)
    expect(fetched.sort((a, b) => a - b)).toEqual(cells.map(({ key }) => key.seed))
    expect(waiting.size).toBe(0)
  })
  it('sends cells in pieces, and fails those that the queue does not take', async () => {
    const { addBulk } = Queue.prototype
    const pieces: number[] = []
    const send = vi.spyOn(Queue.prototype, 'addBulk').mockImplementation(async function (this: Queue, jobs) {
      pieces.push(jobs.length)
      if (pieces.length === 2) throw new Error('OOM command not allowed')
      return addBulk.call(this, jobs)
    })
    const own = await doer('pieces')
    const refused: number[] = []
    for (const cell of cellsOf(2500))
      own.do(cell, quiet).catch((error: Error) => {
        expect(error.message).toBe('OOM command not allowed')
        refused.push(cell.key.seed)
      })
    await until(async () => (await counted('waiting')) === 1500)
    expect(pieces).toEqual([1000, 1000, 500])
    expect(refused).toEqual(Array.from({ length: 1000 }, (_, i) => 1001 + i))
    await own.close()
    send.mockRestore()
  })

  it('does not take for kept what has its own file, but lines of another cell', async () => {
    const [cell, other] = cellsOf(2)
    const path = (name: string) => join(folder, 'strange', 'cells', name, 'results.jsonl')
    await queue.add('cell', {}, { jobId: jobId('strange', cell!) })
    workers.push(
      new Worker(
        queueName('cpu'),
        async () => {
          const about = { seed: 1, backend: 'cpu', device: 'a test', versions: {}, commit: null }
          const first = { type: 'run', schemaVersion: SCHEMA_VERSION, config: { ...other!.config }, ...about } as const
          return cellResult(resultsText([first, ...linesOf(other!.key)]), 1)
        },
        { connection },
      ),
    )
    await until(async () => (await counted('completed')) === 1)
    const said: string[] = []
    const one = { cell: cell!, progress: quiet, resolve() {}, reject: (error: unknown) => said.push(`${error}`) }
    const waiting: WaitingCells = new Map([[jobId('strange', cell!), one]])
    await fetchEnded({ queue, waiting, folder: join(folder, 'strange'), backend: 'cpu', say() {} })
    expect(said).toEqual([expect.stringContaining('got others among them')])
    await expect(readFile(path(cell!.id))).rejects.toThrow('ENOENT')
    // It is made again when the sweep is told to.
    expect(await counted('completed')).toBe(0)
  })
})
