import { type BackendName, backendNames } from '@alibi/backend'
import { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { queueName } from './cell-job.js'

/** Cells that have not ended. */
export const OPEN = ['active', 'prioritized', 'waiting', 'delayed'] as const

export async function jobsIn(
  queue: Queue,
  states: readonly (typeof OPEN | readonly ['completed', 'failed'])[number][],
): Promise<Job[]> {
  // To the last: the default ends after two.
  const ids = await queue.getRanges([...states], 0, -1)
  const jobs = await Promise.all(ids.map((id) => Job.fromId(queue, id)))
  return jobs.filter((job) => job !== undefined)
}

/** Asks the queue of each backend. */
export async function withQueues<T>(
  connection: Redis,
  act: (queue: Queue, backend: BackendName) => Promise<T>,
): Promise<T[]> {
  const all: T[] = []
  for (const backend of backendNames) {
    const queue = new Queue(queueName(backend), { connection })
    all.push(await act(queue, backend))
    await queue.close()
  }
  return all
}
