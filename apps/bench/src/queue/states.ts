// What is in a queue, and who works on it.
import type { BackendName } from '@alibi/backend'
import type { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { type CellJob, type CellProgress, readCellProgress } from './cell-job.js'
import { jobsIn, OPEN, withQueues } from './queues.js'

interface QueuedCell {
  /** Of its job. */
  readonly id: string
  readonly sweep: string
  readonly cell: string
}

/** What there is for the workers of a backend. */
export interface QueueState {
  readonly backend: BackendName
  readonly isPaused: boolean
  /** Their machines and processes. */
  readonly workers: readonly string[]
  /** Cells by what is with them. */
  readonly counts: Readonly<Record<string, number>>
  readonly active: readonly (QueuedCell & { readonly progress: CellProgress | undefined })[]
  /** Those that failed, whether or not their sweep has heard so. */
  readonly failed: readonly (QueuedCell & { readonly reason: string })[]
  /** Cells that are finished in an hour, by the latest; undefined before there are some. */
  readonly cellsAnHour: number | undefined
}

/** Those that have workers or cells. */
export async function queueStates(connection: Redis): Promise<QueueState[]> {
  const states = await withQueues(connection, async (queue, backend) => ({
    backend,
    counts: await queue.getJobCounts(...OPEN, 'completed', 'failed'),
    isPaused: await queue.isPaused(),
    workers: (await queue.getWorkers()).map(({ rawname = '' }) => rawname.replace(/^.*:w:/, '')).sort(),
    active: (await jobsIn(queue, ['active'])).map((job) => ({
      ...named(job),
      progress: readCellProgress(job.progress),
    })),
    failed: (await jobsIn(queue, ['failed'])).map((job) => ({ ...named(job), reason: job.failedReason })),
    cellsAnHour: await pace(queue),
  }))
  return states.filter(({ counts, workers }) => workers.length || Object.values(counts).some(Boolean))
}

function named({ id, data }: Job): QueuedCell {
  const { sweep, cell } = data as CellJob
  return { id: id!, sweep, cell }
}

/** Seconds until all cells are done, at the pace of the latest; undefined where nothing tells it. */
export function secondsLeft({ counts, cellsAnHour }: QueueState): number | undefined {
  const open = OPEN.reduce((sum, state) => sum + (counts[state] ?? 0), 0)
  return cellsAnHour && open ? (3600 * open) / cellsAnHour : undefined
}

/** Cells that tell a pace, if there are so many. */
const LATEST = 10

/** BullMQ counts what is finished by the minute. */
async function pace(queue: Queue): Promise<number | undefined> {
  const { meta, data } = await queue.getMetrics('completed')
  if (!meta.prevTS) return undefined
  // The first cell of all only starts the clock.
  let cells = meta.count - meta.prevCount - (data.length ? 0 : 1)
  let minutes = (Date.now() - meta.prevTS) / 60_000
  for (const each of data) {
    if (cells >= LATEST) break
    cells += each
    minutes += 1
  }
  return cells > 0 ? (60 * cells) / minutes : undefined
}
