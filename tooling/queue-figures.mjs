// What a queue costs. Enqueues a plan of 5,000 cells and asks Redis for its memory, has a worker do small
// cells and takes from each what its process took, and has one worker and two do the same larger cells in turns,
// each worker on a core of its own.
//     node tooling/queue-figures.mjs [--cells 5000] [--done 12] [--turns 3]
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { findRedis, NO_REDIS } from './redis.mjs'
import { root } from './setup.mjs'

const text = /** @type {const} */ ({ type: 'string' })
const { values } = parseArgs({ options: { cells: text, done: text, turns: text } })
const [cells, done, turns] = [Number(values.cells ?? 5000), Number(values.done ?? 12), Number(values.turns ?? 3)]

const dist = join(root, 'apps/bench/dist')
const { planRuns, readPlan } = await import(join(dist, 'sweep/plan.js'))
const { sweepCells } = await import(join(dist, 'sweep/cells.js'))
const { doJob } = await import(join(dist, 'sweep/run-in-process.js'))
const { queueDoer } = await import(join(dist, 'queue/enqueue.js'))
const { jobsIn, withQueues } = await import(join(dist, 'queue/queues.js'))
const { connectQueue, leaveQueue } = await import(join(dist, 'queue/connection.js'))

const redis = findRedis()
if (!redis) throw new Error(NO_REDIS)
const folder = await mkdtemp(join(tmpdir(), 'alibi-figures-'))
const url = 'redis://127.0.0.1:6399'
const server = spawn(
  redis,
  ['--port', '6399', '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--save', ''],
  {
    stdio: 'ignore',
  },
)
await setTimeout(1000)
const silent = { line() {}, start() {}, update() {}, stop() {} }
const connect = () => connectQueue({ url, shown: url }, console.error)
const connection = await connect()

const tiny = {
  plan: { trainLengths: [8], tokensPerStep: 16, sizes: [{ numLayers: 1, modelDim: 8, numHeads: 2 }] },
  settings: { steps: 40, evalLengths: [8], evalTokens: 32 },
}
/** Some 15 seconds of one core, so that what a process takes to start is a small part. */
const larger = {
  plan: { trainLengths: [128], tokensPerStep: 1024, sizes: [{ numLayers: 2, modelDim: 128, numHeads: 4 }] },
  settings: { steps: 300, evalLengths: [128], evalTokens: 1024 },
}

/** The cells of a plan of one strategy. @param {number} count @param {typeof tiny} kind @param {string} backend */
async function cellsOf(count, kind, backend) {
  const path = join(folder, 'plan.json')
  const plan = {
    strategies: ['alibi'],
    ...kind.plan,
    seeds: Array.from({ length: count }, (_, i) => i),
    settings: { data: './text.txt', ...kind.settings },
  }
  await writeFile(join(folder, 'text.txt'), 'a text of some words. '.repeat(200))
  await writeFile(path, JSON.stringify(plan))
  const runs = planRuns(await readPlan(path), folder, {})
  const { signal } = new AbortController()
  return sweepCells(await doJob({ kind: 'resolve', runs, jobs: 1, backend }, { progress: silent, signal }))
}

/**
 * Puts cells into the queue.
 * @param {string} sweep
 * @param {readonly unknown[]} all
 * @param {string} backend
 * @returns {Promise<number>} seconds
 */
async function enqueue(sweep, all, backend) {
  const own = await connect()
  const stopping = new AbortController()
  const options = { sweep, folder, backend, connection: own, line() {}, filesOf() {}, signal: stopping.signal }
  const doer = queueDoer(options)
  const started = performance.now()
  const waiting = all.map((cell) => doer.do(cell, silent).catch(() => {}))
  while ((await countOf('waiting', 'active', 'completed')) < all.length) await setTimeout(5)
  const seconds = (performance.now() - started) / 1000
  stopping.abort()
  await Promise.all(waiting)
  await doer.close()
  return seconds
}

/** @param {(queue: any) => Promise<number>} count */
const sum = async (count) => {
  const counts = /** @type {number[]} */ (await withQueues(connection, count))
  return counts.reduce((a, b) => a + b)
}
const countOf = (/** @type {readonly string[]} */ ...states) => sum((queue) => queue.getJobCountByTypes(...states))

/** A finished cell, as the queue has it; times in milliseconds. */
/** @typedef {{ readonly processedOn: number, readonly finishedOn: number, readonly returnvalue: { readonly seconds: number } }} Done */

/**
 * Has workers do cells, each on a core of its own: a process that starts, or compiles, takes more than one where it may.
 * @param {string} sweep
 * @param {readonly unknown[]} all
 * @param {number} count - of workers
 * @param {string} backend
 * @returns {Promise<readonly Done[]>} in the order in which they were finished
 */
async function work(sweep, all, count, backend) {
  const bench = [process.execPath, join(root, 'apps/bench/bin/bench.js')]
  const options = ['--backend', backend, '--queue', url]
  const workers = Array.from({ length: count }, (_, i) =>
    spawn('taskset', ['--cpu-list', `${i}`, ...bench, 'worker', ...options, '--work', `work-${i}`], {
      cwd: folder,
      stdio: 'ignore',
    }),
  )
  // They wait for cells before there are any.
  while ((await sum((queue) => queue.getWorkersCount())) < count) await setTimeout(50)
  await enqueue(sweep, all, backend)
  // Seldom: the workers have all cores, and what they took is read from their jobs.
  while ((await countOf('completed')) < all.length) await setTimeout(1000)
  const jobs = /** @type {Done[]} */ (
    (await withQueues(connection, (/** @type {any} */ queue) => jobsIn(queue, ['completed']))).flat()
  )
  await Promise.all(
    workers.map((child) => {
      const ended = new Promise((resolve) => child.on('exit', resolve))
      child.kill('SIGTERM')
      return ended
    }),
  )
  await connection.flushall()
  return jobs.sort((a, b) => a.finishedOn - b.finishedOn)
}

/** From the first cell's start to the last one's end. @param {readonly Done[]} jobs */
const spanOf = (jobs) =>
  Math.max(...jobs.map(({ finishedOn }) => finishedOn)) - Math.min(...jobs.map(({ processedOn }) => processedOn))

const median = (/** @type {readonly number[]} */ all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]

try {
  const many = await cellsOf(cells, tiny, 'cpu')
  const before = Number(/used_memory:(\d+)/.exec(await connection.info('memory'))?.[1])
  const seconds = await enqueue('many', many, 'cpu')
  const after = Number(/used_memory:(\d+)/.exec(await connection.info('memory'))?.[1])
  console.log(
    `${cells} cells: in the queue in ${seconds.toFixed(2)} s, ${((after - before) / 1e6).toFixed(1)} MB of Redis`,
  )
  await connection.flushall()

  const few = many.slice(0, done)
  const jobs = await work('overhead', few, 1, 'cpu')
  const ends = jobs.map(({ finishedOn }) => finishedOn)
  const over = jobs.slice(1).map((job, i) => job.finishedOn - Number(ends[i]) - 1000 * job.returnvalue.seconds)
  console.log(
    `${done} cells by one worker: ${median(over)?.toFixed(0)} ms a cell beyond its process (median; most ${Math.max(...over).toFixed(0)} ms)`,
  )

  const ratios = []
  const trained = await cellsOf(4, larger, 'tensorflow')
  for (let turn = 1; turn <= turns; turn++) {
    const one = spanOf(await work(`one-${turn}`, trained, 1, 'tensorflow'))
    const two = spanOf(await work(`two-${turn}`, trained, 2, 'tensorflow'))
    ratios.push(one / two)
    console.log(`turn ${turn}: one worker ${one} ms, two workers ${two} ms, ${(one / two).toFixed(2)} times`)
  }
  if (turns) console.log(`two workers: ${median(ratios)?.toFixed(2)} times one (median)`)
} finally {
  leaveQueue(connection)
  server.kill()
  await rm(folder, { recursive: true, force: true })
}
