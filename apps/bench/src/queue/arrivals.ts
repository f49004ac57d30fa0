// Cells that a sweep waits for and that have ended. They are looked for anew each time: unlike events, that is never missed.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackendName } from '@alibi/backend'
import { describeCell, isCell, parseResults } from '@alibi/results'
import { resultsPath } from '@alibi/results/node'
import { Job, type Queue } from 'bullmq'
import writeFileAtomic from 'write-file-atomic'
import type { SweepCell } from '../sweep/cells.js'
import type { DoneCell } from '../sweep/cells-doer.js'
import { cellFolder } from '../sweep/folder.js'
import { type CellJob, readCellResult } from './cell-job.js'
import { severalAtOnce } from './several.js'
import { idsIn, jobsIn, type WaitingCells } from './waiting.js'

interface LookOptions {
  readonly queue: Queue
  readonly waiting: WaitingCells
  /** The sweep's. */
  readonly folder: string
  readonly backend: BackendName
  /** Receives what workers say of a cell, each time that it is looked at. */
  readonly say: (text: string) => void
}

/** Finished cells that are fetched at the same time: what one takes is mostly waiting for the disk. */
export const FETCHED_AT_ONCE = 8

export async function fetchEnded({ queue, waiting, folder, backend, say }: LookOptions): Promise<void> {
  const endWith = async (job: Job, outcome: (cell: SweepCell) => Promise<DoneCell>) => {
    const one = waiting.get(job.id!)
    if (!one) return
    await outcome(one.cell).then(one.resolve, one.reject)
    waiting.delete(job.id!)
  }
  const fetchDone = (job: Job) =>
    endWith(job, async (cell) => {
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
  // Each has its lines with it: those of a long backlog would not fit into memory together.
  await severalAtOnce(FETCHED_AT_ONCE, await idsIn(queue, waiting, 'completed'), async (id) => {
    const job = await Job.fromId(queue, id)
    if (job) await fetchDone(job)
  })
  for (const job of await jobsIn(queue, waiting, 'failed')) {
    if ((job.data as CellJob).isTold) continue
    await endWith(job, async (cell) => {
      await keepLog(queue, job, cellFolder(folder, cell))
      // It stays for those who watch, until the sweep is told to do it again.
      await job.updateData({ ...job.data, isTold: true })
      throw new Error(reasonOf(job))
    })
  }
  for (const { data, failedReason, id } of await jobsIn(queue, waiting, 'delayed')) {
    const { cell } = waiting.get(id!)!
    for (const refusal of (data as CellJob).refusals) say(`${describeCell(cell.key)} was given back: ${refusal}`)
    if (failedReason) say(`${describeCell(cell.key)} is tried again: ${failedReason}`)
  }
}

/** Writes the lines of a cell, whole, into its folder, if they are its own. */
async function arrived(
  job: Job,
  cell: SweepCell,
  { folder, backend }: Pick<LookOptions, 'folder' | 'backend'>,
): Promise<DoneCell> {
  const own = cellFolder(folder, cell)
  const { lines, seconds } = readCellResult(job.returnvalue)
  const results = parseResults(lines, `the lines of ${describeCell(cell.key)}`)
  const stranger = results.lines.find((line) => 'strategy' in line && !isCell(line, cell.key))
  if (stranger) throw new Error(`queue: expected lines of ${describeCell(cell.key)}, got others among them`)
  if (results.run.backend !== backend)
    throw new Error(`queue: expected lines of the backend ${backend}, got ${results.run.backend}`)
  await mkdir(own, { recursive: true })
  await writeFileAtomic(resultsPath(own), lines)
  // One that cannot go, as a worker has it once more, is taken out when the sweep begins again.
  return { results, seconds, kept: () => job.remove().catch(() => {}) }
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
