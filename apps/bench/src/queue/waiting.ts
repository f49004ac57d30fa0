// Cells in the queue that a sweep waits for, and how far workers are with them.
import { Job, type Queue } from 'bullmq'
import type { SweepCell } from '../sweep/cells.js'
import type { DoneCell } from '../sweep/cells-doer.js'
import type { Progress } from '../terminal/progress.js'
import { readCellProgress } from './cell-job.js'

interface Waiting {
  readonly cell: SweepCell
  readonly progress: Progress
  readonly resolve: (done: DoneCell) => void
  readonly reject: (error: unknown) => void
  /** What is worked on, if the board shows it. */
  shown?: string | undefined
}

type State = 'completed' | 'failed' | 'active' | 'delayed'

/** Cells by the ids of their jobs; those that have ended are taken out. */
export type WaitingCells = Map<string, Waiting>

export const idsIn = async (queue: Queue, waiting: WaitingCells, state: State): Promise<string[]> =>
  (await queue.getRanges([state], 0, -1)).filter((id) => waiting.has(id))

export async function jobsIn(queue: Queue, waiting: WaitingCells, state: State): Promise<Job[]> {
  const jobs = await Promise.all((await idsIn(queue, waiting, state)).map((id) => Job.fromId(queue, id)))
  // The sweep may have been stopped meanwhile.
  return jobs.filter((job): job is Job => job !== undefined && waiting.has(job.id!))
}

/**
 * Shows how far workers are.
 *
 * @returns how many of the cells are worked on now
 */
export async function showWork(queue: Queue, waiting: WaitingCells): Promise<number> {
  const active = new Map((await jobsIn(queue, waiting, 'active')).map((job) => [job.id!, job]))
  for (const [id, each] of waiting) {
    const now = readCellProgress(active.get(id)?.progress)
    if (now && each.shown !== now.work) each.progress.start('', now.work, now.total)
    if (now) each.progress.update(now.done, [...now.details, now.worker])
    else if (each.shown !== undefined) each.progress.stop()
    each.shown = now?.work
  }
  return active.size
}
