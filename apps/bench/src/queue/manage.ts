// What a person may do to the cells in a queue.
import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { callWorker } from './calls.js'
import type { CellJob } from './cell-job.js'
import { jobsIn, OPEN, withQueues } from './queues.js'

/** Workers take no more cells, or take them again; what is begun goes on. */
export const pauseQueues = (connection: Redis, isPaused: boolean) =>
  withQueues(connection, (queue) => (isPaused ? queue.pause() : queue.resume()))

/**
 * Cells that have not ended fail: those that are worked on at once, the others when a worker comes to them.
 *
 * @param names - of cells or sweeps, or `all`
 * @returns how many
 * @throws Error for a name that no such cell has
 */
export const cancelCells = (connection: Redis, names: readonly string[]) =>
  eachNamed(connection, names, async (job) => {
    await job.updateData({ ...job.data, cancelled: true })
    await callWorker(connection, job)
  })

/**
 * Cells that no worker has yet are done in another order.
 *
 * @param priority - from 1, which is first; 0 is before all that have one
 * @returns how many
 * @throws Error for a name that no such cell has
 */
export const setPriority = (connection: Redis, names: readonly string[], priority: number) =>
  eachNamed(connection, names, (job) => job.changePriority({ priority }))

/** @throws Error for a name that no open cell has: nothing is done then */
async function eachNamed(connection: Redis, names: readonly string[], act: (job: Job) => Promise<void>) {
  const namesOf = ({ data }: Job) => ['all', (data as CellJob).cell, (data as CellJob).sweep]
  const open = await withQueues(connection, (queue) => jobsIn(queue, OPEN))
  const known = new Set(['all', ...open.flat().flatMap(namesOf)])
  const unknown = names.filter((name) => !known.has(name))
  if (unknown.length)
    throw new Error(
      `queue: expected ids of cells or sweeps that have not ended, or all, got ${unknown.join(', ')}; bench queue shows those there are`,
    )
  const counts = await withQueues(connection, async (queue) => {
    const jobs = (await jobsIn(queue, OPEN)).filter((job) => namesOf(job).some((name) => names.includes(name)))
    for (const job of jobs) await act(job)
    return jobs.length
  })
  return counts.reduce((sum, count) => sum + count, 0)
}
