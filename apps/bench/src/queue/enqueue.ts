// The sweep's side: cells go into the queue, and their lines come back into the sweep's own folder.
import { setTimeout } from 'node:timers/promises'
import type { BackendName } from '@alibi/backend'
import { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { SweepCell } from '../sweep/cells.js'
import type { CellsDoer } from '../sweep/cells-doer.js'
import { fetchEnded } from './arrivals.js'
import { type CellJob, cellJob, jobId, jobOptions, queueName } from './cell-job.js'
import { leaveQueue } from './connection.js'
import { showWork, type WaitingCells } from './waiting.js'

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
/** So many at most: they are one text in memory. */
const PIECE = 1000
const LOOK_EVERY_MS = 500
/** Looks for cells that have ended, from one at those that are worked on to the next: their workers say something less often. */
const SHOW_EVERY = 4
/** And from one count of the workers to the next. */
const COUNT_EVERY = 20

/** Has cells done by the workers of a queue. Close it in the end: cells that are not done stay in the queue. */
export function queueDoer(options: EnqueueOptions): CellsDoer & { close(): Promise<void> } {
  const { sweep, folder, backend, connection, priority, filesOf, signal } = options
  const queue = new Queue(queueName(backend), { connection })
  // Its connection says what happens to it.
  queue.on('error', () => {})
  const waiting: WaitingCells = new Map()
  const said = new Set<string>()
  const say = (text: string) => {
    if (!said.has(text)) options.line(text)
    said.add(text)
  }

  /** A job that the queue has already stays as it is, unless it has failed and its sweep knows. */
  const enqueue = async (cells: readonly SweepCell[]) => {
    const again = new Set(cells.map((cell) => jobId(sweep, cell)))
    for (const id of await queue.getRanges(['failed'], 0, -1)) {
      const job = again.has(id) ? await Job.fromId(queue, id) : undefined
      if ((job?.data as CellJob | undefined)?.isTold) await job!.remove()
    }
    await queue.addBulk(
      cells.map((cell) => ({
        name: 'cell',
        data: cellJob(sweep, cell, { backend, files: filesOf(cell) }),
        opts: { ...jobOptions(priority), jobId: jobId(sweep, cell) },
      })),
    )
  }
  /** @param onRefused - told of cells that the queue does not take */
  const enqueueAll = async (cells: readonly SweepCell[], onRefused: (cell: SweepCell, error: unknown) => void) => {
    for (let at = 0; at < cells.length && !signal.aborted; at += PIECE) {
      const piece = cells.slice(at, at + PIECE)
      await enqueue(piece).catch((error) => {
        for (const cell of piece) onRefused(cell, error)
      })
    }
  }
  let gathered: SweepCell[] = []
  const gather = async (cell: SweepCell) => {
    gathered.push(cell)
    if (gathered.length > 1) return
    await setTimeout(GATHER_MS)
    const together = gathered
    gathered = []
    await enqueueAll(together, (refused, error) => {
      const id = jobId(sweep, refused)
      waiting.get(id)?.reject(error)
      waiting.delete(id)
    })
  }

  // A queue that comes back may have lost its last second, or all that it had.
  const enqueueAgain = () =>
    void enqueueAll(
      [...waiting.values()].map(({ cell }) => cell),
      () => {},
    )
  connection.on('ready', enqueueAgain)
  const stop = () => {
    for (const { reject } of waiting.values()) reject(signal.reason)
    waiting.clear()
  }
  signal.addEventListener('abort', stop)

  const closing = new AbortController()
  let active = 0
  const look = async (turn: number) => {
    await fetchEnded({ queue, waiting, folder, backend, say })
    if (turn % SHOW_EVERY === 1) active = await showWork(queue, waiting)
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
        else void gather(cell)
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
