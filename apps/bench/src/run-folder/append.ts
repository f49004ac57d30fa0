import { cellName, type ResultLine, sameReading } from '@alibi/results'
import { appendResults, readResults, writeResults } from '@alibi/results/node'
import { cellsOf } from '../config/cells.js'
import type { RunConfig } from '../config/schema.js'
import { openEvents } from '../sinks/tensorboard/events.js'
import { stepsDone } from './saved.js'

/** Adds lines to a run's results and waits until they are kept. */
export type Append = (...lines: readonly ResultLine[]) => Promise<void>

/**
 * Goes on with the results of a folder.
 *
 * @param tensorboard - folder for event files of the same
 */
export async function openResults(folder: string, config: RunConfig, tensorboard?: string): Promise<Append> {
  await takeBackUnsaved(folder, config)
  if (tensorboard === undefined) return (...lines) => appendResults(folder, ...lines)
  const addEvents = await openEvents(tensorboard, await readResults(folder))
  return async (...lines) => {
    await appendResults(folder, ...lines)
    await addEvents(lines)
  }
}

/** Steps after the last checkpoint, and an evaluation whose line was cut, are done again when a run goes on: they go. */
async function takeBackUnsaved(folder: string, config: RunConfig): Promise<void> {
  const { lines, evals } = await readResults(folder)
  const done = new Map<string, number>()
  for (const cell of cellsOf(config)) done.set(cellName(cell), await stepsDone(folder, config, cell))
  const isKept = (line: (typeof lines)[number]) => {
    if (isOf(line, 'train')) return line.step <= (done.get(cellName(line)) ?? 0)
    if (isOf(line, 'positions'))
      return evals.some((whole) => cellName(whole) === cellName(line) && sameReading(whole, line))
    return true
  }
  await writeResults(folder, lines.filter(isKept))
}

const isOf = <K extends ResultLine['type']>(
  line: { readonly type: string },
  type: K,
): line is Extract<ResultLine, { type: K }> => line.type === type
