// The sweep's side: cells go into the queue, and their lines come back into the sweep's own folder.
import { setTimeout } from 'node:timers/promises'
import type { BackendName } from '@alibi/backend'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { SweepCell } from '../sweep/cells.js'
import type { CellsDoer } from '../sweep/cells-doer.js'
import { lookAtQueue, type Waiting } from './arrivals.js'
import { type CellJob, cellJob, jobId, jobOptions, queueName } from './cell-job.js'
import { leaveQueue } from './connection.js'
import { jobsIn } from './queues.js'

interface EnqueueOptions {
  /** The sweep's id in the queue. */
  readonly sweep: string
  /** The sweep's folder. */
  readonly folder: string
  readonly backend: BackendName
  readonly connection: Redis
  /** From 1, which is done first. Default: before all that have one. */
  readonly priority?: number | undefined
  /** Where the store has the files of a cell's text, if it has. */
  readonly filesOf: (cell: SweepCell) => string | undefined
  /** Receives what workers say of cells, and that there are none. */
  readonly line: (text: string) => void
  readonly signal: AbortSignal
}

/** Cells that begin to wait at about the same time go into the queue together. */
const GATHER_MS = 20
const LOOK_EVERY_MS = 500
/** Looks from one count of the workers to the next. */
const COUNT_EVERY = 20

/** Has cells done by the workers of a queue. Close it in the end: cells that are not done stay in the queue. */
export function queueDoer(options: EnqueueOptions): CellsDoer & { close(): Promise<void> } {
  const { sweep, folder, backend, connection, priority, filesOf, signal } = options
  const queue = new Queue(queueName(backend), { connection })
  // Its connection says what happens to it.
  queue.on('error', () => {})
  const waiting = new Map<string, Waiting>()
  const said = new Set<string>()
  const say = (text: string) => {
    if (!said.has(text)) options.line(text)
    said.add(text)
  }

  /** A job that the queue has already stays as it is, unless it has failed and its sweep knows. */
  const enqueue = async (all: readonly SweepCell[]) => {
    const again = new Set(all.map((cell) => jobId(sweep, cell)))
    for (const job of await jobsIn(queue, ['failed']))
      if (again.has(job.id!) && (job.data as CellJob).isTold) await job.remove()
    await queue.addBulk(
      all.map((cell) => ({
        name: 'cell',
        data: cellJob(sweep, cell, { backend, files: filesOf(cell) }),
        opts: { ...jobOptions(priority), jobId: jobId(sweep, cell) },
      })),
    )
  }
  let gathered: SweepCell[] = []
  const gather = async (cell: SweepCell) => {
    gathered.push(cell)
    if (gathered.length > 1) return
    await setTimeout(GATHER_MS)
    const together = gathered
    gathered = []
    await enqueue(together)
  }

  // A queue that comes back may have lost its last second, or all that it had.
  const enqueueAgain = () => void enqueue([...waiting.values()].map(({ cell }) => cell)).catch(() => {})
  connection.on('ready', enqueueAgain)
  const stop = () => {
    for (const { reject } of waiting.values()) reject(signal.reason)
    waiting.clear()
  }
  signal.addEventListener('abort', stop)

  const closing = new AbortController()
  let active = 0
  const look = async (turn: number) => {
    active = await lookAtQueue({ queue, waiting, folder, backend, say })
    if (turn % COUNT_EVERY === 1 && waiting.size && !(await queue.getWorkersCount()))
      say(`no worker takes cells on ${backend}; on any machine: bench worker --queue … --backend ${backend}`)
  }
  const lookOften = async () => {
    for (let turn = 1; !closing.signal.aborted; turn++) {
      await setTimeout(LOOK_EVERY_MS, undefined, { signal: closing.signal }).catch(() => {})
      if (closing.signal.aborted) return
      // A queue that cannot answer now may do so later, and the cells are in it.
      await look(turn).catch((error: Error) => closing.signal.aborted || say(`the queue: ${error.message}`))
    }
  }
  const looking = lookOften()

  return {
    atOnce: Number.POSITIVE_INFINITY,
    working: () => active,
    do: (cell, progress) =>
      new Promise((resolve, reject) => {
        waiting.set(jobId(sweep, cell), { cell, progress, resolve, reject })
        if (signal.aborted) stop()
        else gather(cell).catch(reject)
      }),
    async close() {
      connection.off('ready', enqueueAgain)
      signal.removeEventListener('abort', stop)
      closing.abort()
      // What waits for a queue that is gone waits no longer.
      leaveQueue(connection)
      await looking
      await queue.close().catch(() => {})
    },
  }
}
