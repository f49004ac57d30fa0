import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { BackendName } from '@alibi/backend'
import { describeCell } from '@alibi/results'
import { resultsPath } from '@alibi/results/node'
import { DelayedError, Job, type Queue, UnrecoverableError, WaitingError } from 'bullmq'
import type { Redis } from 'ioredis'
import { doJob, LostProcessError, UnreadyError } from '../sweep/run-in-process.js'
import type { Board } from '../terminal/board.js'
import type { Progress } from '../terminal/progress.js'
import { wasCalled } from './calls.js'
import { type CellJob, type CellProgress, type CellResult, cellResult, readCellJob, workerName } from './cell-job.js'
import { inTime } from './connection.js'
import { answerWithLog, keepLog } from './logs.js'
import type { Workshop } from './workshop.js'

export interface TakeOptions {
  readonly connection: Redis
  readonly backend: BackendName
  /** Cells at once. */
  readonly jobs: number
  readonly workshop: Workshop
  /** A worker that says nothing for so long has lost its cells to others. */
  readonly lostAfterMs: number
  readonly board: Board
  readonly signal: AbortSignal
}

interface Taking extends TakeOptions {
  readonly queue: Queue
  readonly task: Progress
  /** Stops this cell alone. */
  readonly stopping: AbortController
}

/** Why one cell stops: nobody waits for it any more, or another worker has it. */
const CANCELLED = new Error('cancelled')
export const LOST = new Error('lost to another worker')

const ATTEND_EVERY_MS = 1000
/** From one word about a cell's progress to the next, while it is at the same work: each is several commands of the queue. */
export const SAY_EVERY_MS = 5000
/** How long a cell, and the machine that could not begin it, keep away from each other. */
const REFUSED_MS = 1000
/** A cell that so many could not begin has failed. */
const MAX_REFUSALS = 5

/** @throws errors of BullMQ, which say what is to become of the cell */
export async function takeCell(job: Job, token: string, taking: Taking): Promise<CellResult> {
  const cell = jobOf(job)
  if (cell.cancelled) throw new UnrecoverableError(CANCELLED.message)
  const { workshop, jobs, backend, stopping, board } = taking
  const signal = AbortSignal.any([taking.signal, stopping.signal])
  const own = workshop.folderOf(cell)
  const reported = reporting(taking.task, cell)
  const done = new AbortController()
  const attended = attend(job, cell, reported.now, done.signal, taking)
  try {
    const { isNew, ...ready } = await workshop.prepare(cell, signal)
    board.line(`${describeCell(cell.key)} ${isNew ? 'begins' : 'goes on'}`)
    const { config: run, text } = cell
    const started = performance.now()
    await doJob(
      { kind: 'run', run, text, folder: own, backend, retrain: true, ...ready },
      { progress: reported.progress, logFile: join(own, 'log.txt'), jobs, signal },
    )
    await workshop.save(cell)
    const lines = await readFile(resultsPath(own), 'utf8')
    board.line(`${describeCell(cell.key)} is finished`)
    return cellResult(lines, isNew ? (performance.now() - started) / 1000 : undefined)
  } catch (error) {
    done.abort()
    await attended
    throw await becomes(error as Error, { job, token, cell }, taking)
  } finally {
    done.abort()
    await attended
    await inTime(keepLog(job, own)).catch(() => {})
  }
}

/** @throws UnrecoverableError for a job that another version has enqueued */
function jobOf({ data }: Job): CellJob {
  try {
    return readCellJob(data)
  } catch (error) {
    throw new UnrecoverableError((error as Error).message.split('\n')[0])
  }
}

/** What BullMQ is told of a cell that is not done. */
async function becomes(
  error: Error,
  { job, token, cell }: { readonly job: Job; readonly token: string; readonly cell: CellJob },
  { workshop, stopping, signal, board }: Taking,
): Promise<Error> {
  const say = (text: string) => board.line(`${describeCell(cell.key)} ${text}`)
  if (stopping.signal.aborted) {
    say(`is stopped: ${(stopping.signal.reason as Error).message}`)
    return stopping.signal.reason === CANCELLED ? new UnrecoverableError(CANCELLED.message) : LOST
  }
  if (signal.aborted) {
    await workshop.save(cell).catch((failure: Error) => say(`is not in the store: ${failure.message}`))
    // If the queue is gone it finds out by itself that the cell has nobody.
    await inTime(job.moveToWait(token)).catch(() => {})
    say('is given back')
    return new WaitingError()
  }
  const message = `${hostname()}: ${error.message.split('\n')[0]}`
  say(`${error instanceof UnreadyError ? 'is refused' : 'FAILED'}: ${error.message.split('\n')[0]}`)
  if (error instanceof LostProcessError) return new Error(message)
  if (!(error instanceof UnreadyError)) return new UnrecoverableError(message)
  const refusals = [...cell.refusals, message]
  if (refusals.length >= MAX_REFUSALS)
    return new UnrecoverableError(`no worker could begin it: ${[...new Set(refusals)].join('; ')}`)
  await job.updateData({ ...cell, refusals })
  await job.moveToDelayed(Date.now() + REFUSED_MS, token)
  await setTimeout(2 * REFUSED_MS, undefined, { signal }).catch(() => {})
  return new DelayedError()
}

/** Until a cell is done: tells the queue how far it is, keeps its checkpoints in the store, and hears of its cancellation. */
async function attend(
  job: Job,
  cell: CellJob,
  now: () => CellProgress | undefined,
  done: AbortSignal,
  { queue, connection, workshop, board, stopping }: Taking,
): Promise<void> {
  let told: CellProgress | undefined
  let toldAt = 0
  const tell = async () => {
    const progress = now()
    if (progress && progress !== told && (progress.work !== told?.work || Date.now() - toldAt >= SAY_EVERY_MS)) {
      await job.updateProgress(progress)
      told = progress
      toldAt = Date.now()
    }
    if (!(await wasCalled(connection, job))) return
    const { data } = (await Job.fromId(queue, job.id!)) ?? {}
    if ((data as CellJob | undefined)?.cancelled) stopping.abort(CANCELLED)
    await answerWithLog(connection, job, workshop.folderOf(cell))
  }
  // A queue that is gone answers none of these until it is back.
  let isTelling = false
  while (!done.aborted) {
    await setTimeout(ATTEND_EVERY_MS, undefined, { signal: done }).catch(() => {})
    if (done.aborted) return
    if (!isTelling) {
      isTelling = true
      void tell()
        .catch(() => {})
        .finally(() => {
          isTelling = false
        })
    }
    await workshop
      .save(cell)
      .catch((error: Error) => board.line(`${describeCell(cell.key)} is not in the store: ${error.message}`))
  }
}

/** Shows how far a cell is, and remembers it. */
function reporting(task: Progress, { key }: CellJob): { progress: Progress; now: () => CellProgress | undefined } {
  let now: CellProgress | undefined
  return {
    now: () => now,
    progress: {
      line() {},
      start(_, work, total) {
        now = { worker: workerName, work, total, done: 0, details: [] }
        task.start(describeCell(key), work, total)
      },
      update(done, details) {
        if (now) now = { ...now, done, details: [...details] }
        task.update(done, details)
      },
      stop: () => task.stop(),
    },
  }
}
