// The worker's side: takes cells from the queue, and has each done in a process of its own.
import { MetricsTime, Queue, Worker } from 'bullmq'
import { queueName, workerName } from './cell-job.js'
import { inTime } from './connection.js'
import { LOST, type TakeOptions, takeCell } from './take-cell.js'

/** A cell that so many workers were lost with is at fault itself, most likely. */
const MAX_LOST = 10

/** Takes cells until it is told to stop; those that it has begun are saved and given back. */
export async function takeCells(options: TakeOptions): Promise<void> {
  const { connection, backend, jobs, workshop, lostAfterMs, board, signal } = options
  const queue = new Queue(queueName(backend), { connection })
  const idle = Array.from({ length: jobs }, () => board.task())
  const working = new Map<string, { readonly stopping: AbortController; readonly done: Promise<unknown> }>()
  const worker = new Worker(
    queueName(backend),
    async (job, token) => {
      const [task, stopping] = [idle.pop()!, new AbortController()]
      const done = takeCell(job, token!, { ...options, queue, task, stopping })
      working.set(job.id!, { stopping, done })
      return done.finally(() => {
        working.delete(job.id!)
        task.stop()
        idle.push(task)
      })
    },
    {
      connection,
      name: workerName,
      concurrency: jobs,
      lockDuration: lostAfterMs,
      stalledInterval: lostAfterMs / 2,
      maxStalledCount: MAX_LOST,
      metrics: { maxDataPoints: MetricsTime.ONE_WEEK },
    },
  )
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) working.get(id)?.stopping.abort(LOST)
  })
  worker.on('completed', ({ data }) => void workshop.leave(data).catch(() => {}))
  // The connection says when the queue is gone; a cell that was lost to another worker has said so itself.
  worker.on('error', () => {})
  queue.on('error', () => {})

  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  const closed = worker.close()
  await Promise.allSettled([...working.values()].map(({ done }) => done))
  // A queue that is gone is not waited for: what it has not heard it finds out by itself.
  await inTime(closed).catch(() => {})
}
