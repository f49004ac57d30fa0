// What a person sees of a queue, and may do to it.
import { type BackendName, backendNames } from '@alibi/backend'
import { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { percent } from '../terminal/format.js'
import { type CellJob, queueName, readCellProgress } from './cell-job.js'

/** Cells that have not ended. */
const OPEN = ['active', 'prioritized', 'waiting', 'delayed'] as const

/** What there is for the workers of a backend. */
interface QueueState {
  readonly backend: BackendName
  readonly isPaused: boolean
  /** Their machines and processes. */
  readonly workers: readonly string[]
  /** Cells by what is with them. */
  readonly counts: Readonly<Record<string, number>>
  readonly active: readonly { readonly sweep: string; readonly cell: string; readonly progress: string }[]
}

/** Those that have workers or cells. */
export async function queueStates(connection: Redis): Promise<QueueState[]> {
  const states = await withQueues(connection, async (queue, backend) => {
    const [counts, workers] = [await queue.getJobCounts(...OPEN, 'completed', 'failed'), await queue.getWorkers()]
    return {
      ...{ backend, counts, isPaused: await queue.isPaused() },
      workers: workers.map(({ rawname = '' }) => rawname.replace(/^.*:w:/, '')),
      active: (await openJobs(queue, ['active'])).map(({ data, progress }) => {
        const { sweep, cell } = data as CellJob
        const now = readCellProgress(progress)
        return {
          ...{ sweep, cell },
          progress: now ? [now.work, percent(now.done, now.total), ...now.details, now.worker].join(' ') : 'begins',
        }
      }),
    }
  })
  return states.filter(({ counts, workers }) => workers.length || Object.values(counts).some(Boolean))
}

/** Workers take no more cells, or take them again; what is begun goes on. */
export const pauseQueues = (connection: Redis, isPaused: boolean) =>
  withQueues(connection, (queue) => (isPaused ? queue.pause() : queue.resume()))

/**
 * Cells that have not ended fail: those that are worked on at once, the others when a worker comes to them.
 *
 * @param names - of cells or sweeps, or `all`
 * @returns how many
 */
export const cancelCells = (connection: Redis, names: readonly string[]) =>
  eachNamed(connection, names, (job) => job.updateData({ ...job.data, cancelled: true }))

/**
 * Cells that no worker has yet are done in another order.
 *
 * @param priority - from 1, which is first; 0 is before all that have one
 * @returns how many
 */
export const setPriority = (connection: Redis, names: readonly string[], priority: number) =>
  eachNamed(connection, names, (job) => job.changePriority({ priority }))

async function eachNamed(connection: Redis, names: readonly string[], act: (job: Job) => Promise<void>) {
  const counts = await withQueues(connection, async (queue) => {
    const jobs = (await openJobs(queue, OPEN)).filter(({ data }) => {
      const { cell, sweep } = data as CellJob
      return names.some((name) => name === 'all' || name === cell || name === sweep)
    })
    for (const job of jobs) await act(job)
    return jobs.length
  })
  return counts.reduce((sum, count) => sum + count, 0)
}

async function openJobs(queue: Queue, states: readonly (typeof OPEN)[number][]): Promise<Job[]> {
  const ids = await queue.getRanges([...states])
  const jobs = await Promise.all(ids.map((id) => Job.fromId(queue, id)))
  return jobs.filter((job) => job !== undefined)
}

async function withQueues<T>(connection: Redis, act: (queue: Queue, backend: BackendName) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (const backend of backendNames) {
    const queue = new Queue(queueName(backend), { connection })
    all.push(await act(queue, backend))
    await queue.close()
  }
  return all
}
