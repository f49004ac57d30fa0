import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { readState } from '../sweep/folder.js'
import type { Sweep } from '../sweep/sweep.js'
import { jobId, queueName } from './cell-job.js'

/**
 * Takes finished cells out of the queue that the sweep's folder has already: it was killed before it could do so.
 *
 * @param sweep - its id in the queue
 */
export async function removeLeftovers(
  connection: Redis,
  sweep: string,
  { folder, cells, backend }: Pick<Sweep, 'folder' | 'cells' | 'backend'>,
): Promise<void> {
  const queue = new Queue(queueName(backend), { connection })
  const own = new Map(cells.map((cell) => [jobId(sweep, cell), cell]))
  for (const id of await queue.getRanges(['completed'], 0, -1)) {
    const cell = own.get(id)
    if (cell && (await readState(folder, cell)).end === 'finished') await queue.remove(id)
  }
  await queue.close()
}
