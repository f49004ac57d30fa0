import { join } from 'node:path'
import { type CellKey, cellId, type ResultLine, type Results } from '@alibi/results'
import { openCellEvents } from './cell-events.js'
import type { Scalars } from './event.js'
import { scalarsOf } from './scalars.js'

type CellLine = Exclude<ResultLine, { type: 'run' }>

/** A cell's folder in TensorBoard's, which shows it as a run. */
const cellFolder = (cell: CellKey) => cellId(cell).replaceAll(' ', '-')

/**
 * Event files of TensorBoard for the cells of a run.
 *
 * @param before - what the run has already: is in them too
 * @returns adds what is measured now
 * @throws Error, one line, where no folder can be
 */
export async function openEvents(
  folder: string,
  before: Results,
): Promise<(lines: readonly ResultLine[]) => Promise<void>> {
  const cells = new Map<string, Awaited<ReturnType<typeof openCellEvents>>>()
  const open = async (cell: string, lines: readonly CellLine[]) => {
    const add = await openCellEvents(join(folder, cell), eventsBefore(lines)).catch((error: Error) => {
      throw new Error(`tensorboard: expected a folder to write to, got ${folder}: ${error.message}`)
    })
    cells.set(cell, add)
    return add
  }
  for (const [cell, lines] of byCell([...before.train, ...before.evals, ...before.retrieval, ...before.tasks]))
    await open(cell, lines)
  return async (lines) => {
    for (const [cell, own] of byCell(lines)) {
      const add = cells.get(cell) ?? (await open(cell, []))
      await add(own.flatMap((line) => eventOf(line, now())))
    }
  }
}

const now = () => Date.now() / 1000

function byCell(lines: readonly ResultLine[]): Map<string, CellLine[]> {
  const cells = new Map<string, CellLine[]>()
  for (const line of lines) {
    if (line.type === 'run') continue
    const cell = cellFolder(line)
    cells.set(cell, [...(cells.get(cell) ?? []), line])
  }
  return cells
}

/** As if the steps had ended now, so that times between them are those in training. */
function eventsBefore(lines: readonly CellLine[]): Scalars[] {
  const elapsed = (line: CellLine | undefined) => (line?.type === 'train' ? (line.elapsedSeconds ?? 0) : undefined)
  const last = elapsed(lines.findLast((line) => line.type === 'train')) ?? 0
  return lines.flatMap((line) => eventOf(line, now() - last + (elapsed(line) ?? last)))
}

function eventOf(line: CellLine, wallTime: number): Scalars[] {
  const scalars = scalarsOf(line)
  return scalars ? [{ wallTime, ...scalars }] : []
}
