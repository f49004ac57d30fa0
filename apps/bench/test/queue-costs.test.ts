// What cells cost the queue, as the bench uses it: cells that do nothing, so that only the queue is at work. What docs/scale.md is
// made from is kept by
//     QUEUE_COSTS=docs/results/queue-costs.json npx vitest run apps/bench/test/queue-costs.test.ts
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseResults } from '@alibi/results'
import { writeResults } from '@alibi/results/node'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { findRedis, NO_REDIS } from '../../../tooling/redis.mjs'
import { resolveRunConfig } from '../src/config/resolve.js'
import { FETCHED_AT_ONCE } from '../src/queue/arrivals.js'
import { jobId, queueName } from '../src/queue/cell-job.js'
import { connectQueue } from '../src/queue/connection.js'
import { queueDoer } from '../src/queue/enqueue.js'
import { cancelCells } from '../src/queue/manage.js'
import { takeCells } from '../src/queue/take.js'
import { SAY_EVERY_MS } from '../src/queue/take-cell.js'
import { showWork } from '../src/queue/waiting.js'
import { createWorkshop } from '../src/queue/workshop.js'
import { sweepCells } from '../src/sweep/cells.js'
import { runSweep } from '../src/sweep/sweep.js'
import type { Progress } from '../src/terminal/progress.js'
import { type RedisServer, startRedis } from './redis-server.js'

interface Work {
  readonly folder: string
  readonly seed: number
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** What stands in for a cell's process. */
const cellProcess = vi.hoisted(() => ({ do: (_: Work): Promise<void> => Promise.resolve() }))
vi.mock('../src/sweep/run-in-process.js', async (original) => ({
  ...(await original<object>()),
  doJob: (
    { folder, run }: { folder: string; run: { seeds: number[] } },
    { progress, signal }: { progress: Progress; signal: AbortSignal },
  ) => cellProcess.do({ folder, seed: run.seeds[0]!, progress, signal }),
}))

const keep = process.env.QUEUE_COSTS
/** Cells that are done, cells that are held, and seconds for which they are. */
const [CELLS, HELD, SECONDS] = keep ? [200, 400, 20] : [20, 5, 8]

/** Looks of the sweep at the cells that are held. */
const LOOKS = 20

const hasRedis = findRedis() !== undefined
if (!hasRedis) console.log(`what cells cost the queue is not tested: ${NO_REDIS}`)

describe.skipIf(!hasRedis)('what a queue has to do', () => {
  let folder: string
  let redis: RedisServer
  let connection: Redis
  let queue: Queue
  const connect = () => connectQueue({ url: redis.url, shown: redis.url }, () => {})
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'alibi-queue-costs-'))
    redis = await startRedis(folder)
    connection = await connect()
    // As Redis does it unless it is told otherwise; in tests of kills it writes before it answers.
    await connection.config('SET', 'appendfsync', 'everysec')
    queue = new Queue(queueName('cpu'), { connection })
  })
  afterAll(async () => {
    await queue?.close()
    connection?.disconnect()
    await redis?.kill()
    if (folder) rmSync(folder, { recursive: true })
  })

  // The lines of one cell that was kept: what comes back of each.
  const kept = parseResults(
    readFileSync(new URL('../../../docs/results/quick.jsonl', import.meta.url), 'utf8'),
    'quick',
  )
  const lines = [...kept.train, ...kept.evals].filter(({ strategy }) => strategy === 'alibi')
  const cellsFrom = (first: number, count: number) => {
    const seeds = Array.from({ length: count }, (_, i) => first + i)
    const config = resolveRunConfig({ strategies: ['alibi'], seeds, data: './text.txt' })
    return sweepCells({ runs: [config], texts: ['hash'], backend: { name: 'cpu', device: '' } })
  }
  const finish = async ({ folder: own, seed }: Work) =>
    void (await writeResults(own, [{ ...kept.run, backend: 'cpu', seed }, ...lines.map((line) => ({ ...line, seed }))]))

  /** What the server and this process have done, until now. */
  async function now() {
    const info = await connection.info('everything')
    const number = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1])
    const calls = [...info.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)]
    const { user, system } = process.cpuUsage()
    return {
      calls: calls.filter(([, name]) => name !== 'info').reduce((sum, [, , count]) => sum + Number(count), 0),
      serverSeconds: number('used_cpu_user_main_thread') + number('used_cpu_sys_main_thread'),
      bytes: number('used_memory'),
      ownSeconds: (user + system) / 1e6,
      seconds: performance.now() / 1000,
      /** Each adds one to the stream of the queue's events. */
      words: Number(/^cmdstat_xadd:calls=(\d+)/m.exec(info)?.[1] ?? 0),
    }
  }
  type Counted = Awaited<ReturnType<typeof now>>
  /** What work has cost, for each of so many. */
  async function costOf(count: number, work: () => Promise<unknown>): Promise<Counted> {
    const before = await now()
    await work()
    const after = await now()
    const names = Object.keys(before) as (keyof Counted)[]
    return Object.fromEntries(names.map((name) => [name, (after[name] - before[name]) / count])) as Counted
  }

  /** With a connection of its own, which it leaves. */
  const doer = async (name: string) =>
    queueDoer({
      ...{ sweep: name, folder: join(folder, name), backend: 'cpu' as const, connection: await connect() },
      ...{ priority: undefined, filesOf: () => undefined, line() {}, signal: new AbortController().signal },
    })
  const quiet = { line() {}, start() {}, update() {}, stop() {} }
  const waitFor = async (isThere: () => Promise<boolean>) => {
    while (!(await isThere())) await setTimeout(50)
  }
  const counted = async (state: 'waiting' | 'active' | 'completed' | 'failed') =>
    (await queue.getJobCounts(state))[state]!

  /** A worker, until it is told to stop. */
  function worker(jobs: number) {
    const stop = new AbortController()
    const workshop = createWorkshop({ folder: join(folder, 'work'), versions: {}, say() {} })
    const board = { line() {}, task: () => quiet, total() {}, close() {} }
    const options = { connection, backend: 'cpu' as const, jobs, workshop, lostAfterMs: 30_000, board }
    const ended = takeCells({ ...options, signal: stop.signal })
    return async () => {
      stop.abort(new Error('stopped'))
      await ended
    }
  }

  it('for cells that wait, are taken, are held, and come back', { timeout: 300_000 }, async () => {
    const cells = cellsFrom(1, CELLS)
    // The server's scripts, and what it has once.
    const warm = await doer('warm')
    cellProcess.do = finish
    const warmed = warm.do(cellsFrom(1, 1)[0]!, quiet)
    const stopFirst = worker(1)
    await (await warmed).kept?.()
    await warm.close()
    await stopFirst()

    let sweep = await doer('sweep')
    for (const cell of cells) void sweep.do(cell, quiet)
    const wait = async () => (await counted('waiting')) === CELLS
    const enqueue = await costOf(CELLS, () => waitFor(wait))
    await sweep.close()

    let stop: () => Promise<void> = async () => {}
    const take = await costOf(CELLS, async () => {
      stop = worker(4)
      await waitFor(async () => (await counted('completed')) === CELLS)
    })
    await stop()

    sweep = await doer('sweep')
    const ends: number[] = []
    const board = { line: () => ends.push(performance.now()), task: () => quiet, total() {}, close() {} }
    const whole = {
      folder: join(folder, 'sweep'),
      cells,
      run: { ...kept.run, backend: 'cpu' },
      backend: 'cpu' as const,
    }
    const { signal } = new AbortController()
    const arriving = await costOf(CELLS, () => runSweep(whole, { doer: sweep, retry: false, board, signal }))
    expect(ends).toHaveLength(CELLS)
    // From one cell to the next, without the time before the first look.
    const arrive = { ...arriving, seconds: (ends.at(-1)! - ends[0]!) / (CELLS - 1) / 1000, atOnce: FETCHED_AT_ONCE }
    await sweep.close()

    // The server is not quite idle where nobody asks it anything: that is no word's.
    await setTimeout(1000)
    const idle = await costOf(1, () => setTimeout(keep ? 1000 * SECONDS : 1000))
    const held = cellsFrom(CELLS + 1, HELD)
    let speaks = true
    cellProcess.do = async ({ progress, signal }) => {
      progress.start('', 'train', 1500)
      for (let step = 1; !signal.aborted; step++) {
        if (speaks) progress.update(step, ['loss 1.234', '12,345 tokens/s'])
        await setTimeout(500, undefined, { signal }).catch(() => {})
      }
      signal.throwIfAborted()
    }
    sweep = await doer('held')
    for (const cell of held) void sweep.do(cell, quiet)
    await waitFor(async () => (await counted('waiting')) === HELD)
    await sweep.close()
    stop = worker(HELD)
    await waitFor(async () => (await counted('active')) === HELD)
    await setTimeout(1100)
    const { words, seconds, ...all } = await costOf(1, () => setTimeout(1000 * SECONDS))
    // A word each few seconds, however often there is something new.
    expect(words).toBeGreaterThanOrEqual(HELD)
    expect(words / HELD).toBeLessThanOrEqual(1 + (1000 * seconds) / SAY_EVERY_MS)
    const hold = {
      calls: all.calls / words,
      serverSeconds: (all.serverSeconds - (idle.serverSeconds * seconds) / idle.seconds) / words,
      ownSeconds: all.ownSeconds / words,
    }
    speaks = false
    await setTimeout(SAY_EVERY_MS + 1100)
    const waiting = new Map(
      held.map((cell) => [jobId('held', cell), { cell, progress: quiet, resolve() {}, reject() {} }]),
    )
    const {
      words: _,
      bytes: __,
      ...look
    } = await costOf(HELD * LOOKS, async () => {
      for (let i = 0; i < LOOKS; i++) expect(await showWork(queue, waiting)).toBe(HELD)
    })
    // Workers hear of it in a second, and not by their words.
    expect(await cancelCells(connection, ['held'])).toBe(HELD)
    await waitFor(async () => (await counted('failed')) === HELD)
    await stop()
    const costs = { enqueue, take, arrive, hold, look }
    console.log(JSON.stringify(costs, undefined, 1))
    // A cell's way through the queue is some dozens of commands, whatever else there is.
    expect(enqueue.calls).toBeLessThan(40)
    expect(take.calls).toBeLessThan(120)
    expect(arrive.calls).toBeLessThan(60)
    // A worker tells how far a cell is, and looks five times whether somebody calls; the sweep looks at each.
    expect(hold.calls).toBeGreaterThan(2)
    expect(hold.calls).toBeLessThan(20)
    expect(look.calls).toBeGreaterThan(1)
    // A cell in the queue is its settings: far below the 40 kB that 5,000 cells in 200 MB may have.
    expect(enqueue.bytes).toBeGreaterThan(500)
    expect(enqueue.bytes).toBeLessThan(40_000)
    if (!keep) return
    const about = { cells: CELLS, held: HELD, heldSeconds: SECONDS, cpu: cpus()[0]!.model, threads: cpus().length }
    writeFileSync(
      new URL(`../../../${keep}`, import.meta.url),
      `${JSON.stringify({ ...about, costs }, undefined, 2)}\n`,
    )
  })
})
