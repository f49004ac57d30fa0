// A cell's log: with its job when its process has ended; before that the worker that has it is asked.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import type { CellJob } from './cell-job.js'
import { jobsIn, OPEN, withQueues } from './queues.js'

const LOG_CHARACTERS = 64_000
const ANSWER_SECONDS = 60
const PATIENCE_MS = 5000
const LOOK_EVERY_MS = 100

const askedKey = ({ id }: Job) => `bench-log-asked:${id}`
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

/** The worker's side: answers whoever has asked for a log. */
export async function answerForLog(connection: Redis, job: Job, own: string): Promise<void> {
  if (!(await connection.exists(askedKey(job)))) return
  await connection.set(answerKey(job), await readLog(own), 'EX', ANSWER_SECONDS)
  await connection.del(askedKey(job))
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
  await connection.set(askedKey(job), '1', 'EX', ANSWER_SECONDS)
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_EVERY_MS) {
    await setTimeout(LOOK_EVERY_MS)
    if (!(await connection.exists(askedKey(job)))) return (await connection.get(answerKey(job))) ?? ''
  }
  return 'its worker does not answer now'
}
