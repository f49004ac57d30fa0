// What has become of the cells that a sweep waits for. It is looked at anew each time: unlike events, that is never missed.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackendName } from '@alibi/backend'
import { describeCell, isCell } from '@alibi/results'
import { readResults, resultsPath } from '@alibi/results/node'
import { Job, type Queue } from 'bullmq'
import writeFileAtomic from 'write-file-atomic'
import type { SweepCell } from '../sweep/cells.js'
import type { DoneCell } from '../sweep/cells-doer.js'
import { cellFolder } from '../sweep/folder.js'
import type { Progress } from '../terminal/progress.js'
import { type CellJob, readCellProgress, readCellResult } from './cell-job.js'

/** A cell in the queue. */
export interface Waiting {
  readonly cell: SweepCell
  readonly progress: Progress
  readonly resolve: (done: DoneCell) => void
  readonly reject: (error: unknown) => void
  /** What is worked on, if the board shows it. */
  shown?: string | undefined
}

interface LookOptions {
  readonly queue: Queue
  /** Cells by the ids of their jobs; those that have ended are taken out. */
  readonly waiting: Map<string, Waiting>
  /** The sweep's. */
  readonly folder: string
  readonly backend: BackendName
  /** Receives what workers say of a cell, each time that it is looked at. */
  readonly say: (text: string) => void
}

/** @returns how many of the cells are worked on now */
export async function lookAtQueue({ queue, waiting, folder, backend, say }: LookOptions): Promise<number> {
  const jobsIn = async (state: 'completed' | 'failed' | 'active' | 'delayed') => {
    const ids = (await queue.getRanges([state], 0, -1)).filter((id) => waiting.has(id))
    const jobs = await Promise.all(ids.map((id) => Job.fromId(queue, id)))
    return jobs.filter((job) => job !== undefined)
  }
  const endWith = async (job: Job, outcome: (cell: SweepCell) => Promise<DoneCell>) => {
    const { cell, resolve, reject } = waiting.get(job.id!)!
    await outcome(cell).then(resolve, reject)
    waiting.delete(job.id!)
  }
  for (const job of await jobsIn('completed'))
    await endWith(job, async (cell) => {
      try {
        const done = await arrived(job, cell, { folder, backend })
        await keepLog(queue, job, cellFolder(folder, cell))
        return done
      } catch (error) {
        // What is no result is made again when the sweep is told to; one that the disk refused is fetched again.
        if (!(error as NodeJS.ErrnoException).code) await job.remove()
        throw error
      }
    })
  for (const job of await jobsIn('failed')) {
    if ((job.data as CellJob).isTold) continue
    await endWith(job, async (cell) => {
      await keepLog(queue, job, cellFolder(folder, cell))
      // It stays for those who watch, until the sweep is told to do it again.
      await job.updateData({ ...job.data, isTold: true })
      throw new Error(reasonOf(job))
    })
  }
  for (const { data, failedReason, id } of await jobsIn('delayed')) {
    const { cell } = waiting.get(id!)!
    for (const refusal of (data as CellJob).refusals) say(`${describeCell(cell.key)} was given back: ${refusal}`)
    if (failedReason) say(`${describeCell(cell.key)} is tried again: ${failedReason}`)
  }
  const active = await jobsIn('active')
  showProgress(waiting, new Map(active.map((job) => [job.id!, job])))
  return active.length
}

/** Writes the lines of a cell, whole, into its folder. */
async function arrived(
  job: Job,
  cell: SweepCell,
  { folder, backend }: Pick<LookOptions, 'folder' | 'backend'>,
): Promise<DoneCell> {
  const own = cellFolder(folder, cell)
  const { lines, seconds } = readCellResult(job.returnvalue)
  await mkdir(own, { recursive: true })
  await writeFileAtomic(resultsPath(own), lines)
  const results = await readResults(own)
  const stranger = results.lines.find((line) => 'strategy' in line && !isCell(line, cell.key))
  if (stranger) throw new Error(`queue: expected lines of ${describeCell(cell.key)}, got others among them`)
  if (results.run.backend !== backend)
    throw new Error(`queue: expected lines of the backend ${backend}, got ${results.run.backend}`)
  return { seconds, kept: () => job.remove() }
}

/** The last of what the cell's process has written, where it ran. */
async function keepLog(queue: Queue, job: Job, own: string): Promise<void> {
  const { logs } = await queue.getJobLogs(job.id!)
  await mkdir(own, { recursive: true })
  await writeFile(join(own, 'log.txt'), logs.map((text) => `${text}\n`).join(''))
}

/** Why a cell has failed, in one line. */
function reasonOf({ failedReason, attemptsMade }: Job): string {
  if (/stalled more than/.test(failedReason))
    return 'the workers that took it ended without a word, more often than may be by chance'
  return attemptsMade > 1 ? `${failedReason} (${attemptsMade} times)` : failedReason
}

function showProgress(waiting: ReadonlyMap<string, Waiting>, active: ReadonlyMap<string, Job>): void {
  for (const [id, each] of waiting) {
    const now = readCellProgress(active.get(id)?.progress)
    if (now && each.shown !== now.work) each.progress.start('', now.work, now.total)
    if (now) each.progress.update(now.done, [...now.details, now.worker])
    else if (each.shown !== undefined) each.progress.stop()
    each.shown = now?.work
  }
}
