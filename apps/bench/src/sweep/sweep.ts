import { mkdir } from 'node:fs/promises'
import type { BackendName } from '@alibi/backend'
import { describeCell, formatMean, linesOf, type Results, type RunLine } from '@alibi/results'
import { writeResults } from '@alibi/results/node'
import { lockFolder } from '../run-folder/lock.js'
import { openEvents } from '../sinks/tensorboard/events.js'
import type { Board } from '../terminal/board.js'
import { duration } from '../terminal/format.js'
import type { Progress } from '../terminal/progress.js'
import type { SweepCell } from './cells.js'
import type { CellsDoer } from './cells-doer.js'
import { begunCells, type CellState, readState, writeEnd } from './folder.js'
import { gatheredAppends } from './gathered-appends.js'
import { createQueue } from './queue.js'
import { cellLines, mergeResults, secondsOf } from './results.js'
import { countAgain, type Tally, tallyOf } from './tally.js'

export interface Sweep {
  readonly folder: string
  readonly cells: readonly SweepCell[]
  /** First line of its results. */
  readonly run: RunLine
  readonly backend: BackendName
}

export interface SweepOptions {
  readonly doer: CellsDoer
  /** Whether to repeat cells that have failed. */
  readonly retry: boolean
  /** Folder for TensorBoard's event files. */
  readonly tensorboard?: string | undefined
  readonly board: Board
  readonly signal: AbortSignal
}

/** What the sweep's folder has of each cell, in their order. */
export async function readStates({
  folder,
  cells,
}: Pick<Sweep, 'folder' | 'cells'>): Promise<Map<SweepCell, CellState>> {
  const begun = await begunCells(folder)
  const stateOf = (cell: SweepCell) => (begun.has(cell.id) ? readState(folder, cell) : { end: undefined })
  return new Map(await Promise.all(cells.map(async (cell) => [cell, await stateOf(cell)] as const)))
}

/** The results so far: those of finished cells. */
const resultsSoFar = (run: RunLine, states: ReadonlyMap<SweepCell, CellState>): Results =>
  mergeResults(
    run,
    [...states.values()].flatMap((state) => (state.end === 'finished' ? [state.results] : [])),
  )

/**
 * Has every cell done that is not finished, each in a process of its own. The folder's results are those of its finished
 * cells at every moment; in the end they are in the order of the cells.
 *
 * @returns what there is of each cell now
 * @throws the signal's reason when it was aborted: cells have stopped with their checkpoints
 */
export async function runSweep(sweep: Sweep, options: SweepOptions): Promise<ReadonlyMap<SweepCell, CellState>> {
  const { folder, run, cells } = sweep
  const { doer, retry, tensorboard, board, signal } = options
  const states = await readStates(sweep)
  await mkdir(folder, { recursive: true })
  // Until now it had no other name than the one that was locked.
  await lockFolder(folder)
  // Whatever a killed sweep has left of its last line.
  await writeResults(folder, linesOf(resultsSoFar(run, states)))
  // Those of other cells are written as they are trained.
  if (tensorboard !== undefined) await openEvents(tensorboard, resultsSoFar(run, states))

  const queue = createQueue(cells, states, retry)
  const tally = tallyOf(states.values())
  const tell = () =>
    board.total(tally.finished, cells.length, describeRest(tally, cells.length, queue.left(), doer.working()))
  const append = gatheredAppends(folder)
  const workers = Array.from({ length: Math.min(doer.atOnce, queue.left()) }, () => board.task())
  tell()
  await Promise.all(
    workers.map(async (task) => {
      for (let cell = await queue.next(); cell && !signal.aborted; cell = await queue.next()) {
        const state = queue.lacksSource(cell) ?? (await runCell(sweep, cell, task, { ...options, append }))
        countAgain(tally, states.get(cell)!, state)
        queue.end(cell, state)
        if (state.end === undefined) return
        board.line(describeEnd(cell, state))
        tell()
      }
    }),
  )
  await writeResults(folder, linesOf(resultsSoFar(run, states)))
  signal.throwIfAborted()
  return states
}

async function runCell(
  { folder }: Sweep,
  cell: SweepCell,
  task: Progress,
  { doer, signal, append }: SweepOptions & { readonly append: ReturnType<typeof gatheredAppends> },
): Promise<CellState> {
  const progress = {
    ...task,
    line: () => {},
    start: (_: string, work: string, total: number) => task.start(describeCell(cell.key), work, total),
  }
  try {
    const { results, seconds, kept } = await doer.do(cell, progress)
    await writeEnd(folder, cell, { end: 'finished', ...(seconds !== undefined && { seconds }) })
    await append(cellLines(results))
    await kept?.()
    return { end: 'finished', results, seconds: seconds ?? secondsOf(results) }
  } catch (error) {
    if (signal.aborted) return { end: undefined }
    const failed = { end: 'failed', message: (error as Error).message } as const
    await writeEnd(folder, cell, failed)
    return failed
  } finally {
    task.stop()
  }
}

export const count = (states: ReadonlyMap<SweepCell, CellState>, end: CellState['end']) =>
  [...states.values()].filter((state) => state.end === end).length

function describeEnd(cell: SweepCell, state: CellState): string {
  if (state.end !== 'finished') return `${describeCell(cell.key)} FAILED: ${state.end && state.message}`
  return [`${describeCell(cell.key)}: ${describeFirstAndLast(state.results)}`, duration(state.seconds)].join('; ')
}

/** e.g. `perplexity 3.557 at 128, 3.459 at 2048`, `right 100 % at 16, 12 % at 64` */
function describeFirstAndLast({ evals, tasks }: Results): string {
  const ends = <T>(all: readonly T[]) => (all.length > 1 ? [all[0]!, all.at(-1)!] : all)
  if (!evals.length)
    return `right ${ends(tasks)
      .map(({ score, evalLength }) => `${(100 * score).toFixed(0)} % at ${evalLength}`)
      .join(', ')}`
  const plain = evals.filter(({ attentionWindow }) => attentionWindow === undefined)
  const own = plain.filter(({ protocol }) => protocol === plain[0]!.protocol)
  return `perplexity ${ends(own)
    .map(({ perplexity, evalLength }) => `${formatMean(perplexity)} at ${evalLength}`)
    .join(', ')}`
}

/**
 * @param cells - of the sweep
 * @param left - cells that are to be done
 * @param atOnce - how many are worked on
 */
function describeRest({ finished, failed, seconds }: Tally, cells: number, left: number, atOnce: number): string {
  return [
    `${finished} of ${cells} cells`,
    ...(failed ? [`${failed} failed`] : []),
    ...(left && finished && atOnce ? [`about ${duration((left * seconds) / finished / atOnce)} left`] : []),
  ].join(', ')
}
