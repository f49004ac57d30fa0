import { fork } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { availableParallelism, devNull } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Progress } from '../terminal/progress.js'
import { type Job, type Outcomes, type Report, STOP } from './messages.js'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))

export interface JobOptions {
  readonly progress: Progress
  /** Where the process's own output goes. Default: nowhere. */
  readonly logFile?: string
  /** How many processes share the machine. Default 1. */
  readonly jobs?: number
  readonly signal: AbortSignal
}

/** A cell's process has failed before the first step: for what this machine lacks, and another may have. */
export class UnreadyError extends Error {}

/** A job's process ended without a word: nothing is known of the job itself. */
export class LostProcessError extends Error {}

/**
 * Does a job in a process of its own.
 *
 * @throws the signal's reason when it was aborted
 * @throws Error, one line, if the job failed: {@link UnreadyError} or {@link LostProcessError} where it was for its machine
 */
export async function doJob<K extends Job['kind']>(
  job: Extract<Job, { kind: K }>,
  { progress, logFile = devNull, jobs = 1, signal }: JobOptions,
): Promise<Outcomes[K]> {
  signal.throwIfAborted()
  const log = openSync(logFile, 'a')
  // Processes with a thread for each core would get in each other's way.
  const threads = String(Math.max(1, Math.floor(availableParallelism() / jobs)))
  const child = fork(WORKER, {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...(jobs > 1 && { TF_NUM_INTRAOP_THREADS: threads }), ...process.env },
  })
  closeSync(log)
  const stop = () => child.connected && child.send(STOP)
  signal.addEventListener('abort', stop)
  try {
    return await new Promise<Outcomes[K]>((resolve, reject) => {
      let outcome: Outcomes[K] | undefined
      let failure: Error | undefined
      child.on('message', (report: Report) => {
        if (report.type === 'done') outcome = report.outcome as Outcomes[K]
        else if (report.type === 'failed') failure = new (report.unready ? UnreadyError : Error)(report.message)
        else relay(report, progress)
      })
      child.on('error', reject)
      const disconnected = new Promise((done) => child.once('disconnect', done))
      child.on('exit', async (code, killedBy) => {
        // After the last message.
        await disconnected
        if (code === 0 && outcome !== undefined) resolve(outcome)
        else if (signal.aborted) reject(signal.reason)
        else reject(failure ?? new LostProcessError(describeEnd(code, killedBy)))
      })
      child.send(job)
    })
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function relay(report: Exclude<Report, { type: 'done' | 'failed' }>, progress: Progress): void {
  if (report.type === 'line') progress.line(report.text)
  else if (report.type === 'start') progress.start(report.cell, report.work, report.total)
  else if (report.type === 'update') progress.update(report.done, report.details)
  else progress.stop()
}

function describeEnd(code: number | null, killedBy: NodeJS.Signals | null): string {
  if (killedBy === 'SIGKILL') return 'its process was killed (SIGKILL): by hand, or for want of memory'
  if (killedBy) return `its process was ended by ${killedBy}`
  const stopped = code !== null && code > 128
  return stopped ? `its process was stopped (exit code ${code})` : `its process ended with exit code ${code}`
}
