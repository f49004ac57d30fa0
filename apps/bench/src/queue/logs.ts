// A cell's log: with its job when its process has ended; before that the worker that has it is called.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { callWorker } from './calls.js'
import type { CellJob } from './cell-job.js'
import { jobsIn, OPEN, withQueues } from './queues.js'

const LOG_CHARACTERS = 64_000
const ANSWER_SECONDS = 60
const PATIENCE_MS = 5000
const LOOK_EVERY_MS = 100

const answerKey = ({ id }: Job) => `bench-log:${id}`

/** @param own - the cell's folder */
const readLog = async (own: string) => {
  const log = await readFile(join(own, 'log.txt'), 'utf8').catch(() => '')
  return log.slice(-LOG_CHARACTERS).trimEnd()
}

/** The last of what the cell's process has written goes with the cell. */
export async function keepLog(job: Job, own: string): Promise<void> {
  const log = await readLog(own)
  if (log) await job.log(log)
}

/** The worker's side, when it was called. */
export async function answerWithLog(connection: Redis, job: Job, own: string): Promise<void> {
  await connection.set(answerKey(job), await readLog(own), 'EX', ANSWER_SECONDS)
}

/**
 * The log of a cell, from where it ran or runs.
 *
 * @param name - of the cell, or of its job: the sweep's, a hyphen, the cell's
 * @throws Error, one line, where no cell or more than one has the name
 */
export async function fetchLog(connection: Redis, name: string): Promise<string> {
  const found = await withQueues(connection, async (queue) => {
    const jobs = (await jobsIn(queue, [...OPEN, 'completed', 'failed'])).filter(
      ({ id, data }) => name === id || name === (data as CellJob).cell,
    )
    return Promise.all(
      jobs.map(async (job) => ({
        id: job.id!,
        isActive: await job.isActive(),
        job,
        logs: (await queue.getJobLogs(job.id!)).logs,
      })),
    )
  })
  const [one, ...others] = found.flat()
  if (!one)
    throw new Error(`queue: expected a cell of the queue, got ${name}; a sweep keeps the logs of cells that it has`)
  if (others.length)
    throw new Error(
      `queue: expected a name of one cell, got ${name}, which several sweeps have: ${[one, ...others].map(({ id }) => id).join(', ')}`,
    )
  const now = one.isActive ? [await askForLog(connection, one.job)] : []
  return [...one.logs, ...now].map((text) => `${text}\n`).join('')
}

async function askForLog(connection: Redis, job: Job): Promise<string> {
  await connection.del(answerKey(job))
  await callWorker(connection, job)
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_EVERY_MS) {
    await setTimeout(LOOK_EVERY_MS)
    const answer = await connection.get(answerKey(job))
    if (answer !== null) return answer
  }
  return 'its worker does not answer now'
}
