import { type CellKey, cellId, cellName, isCell, type ResultLine, sameReading } from '@alibi/results'
import { appendResults, readResults, resultsPath, writeResults } from '@alibi/results/node'
import { cellKey, cellsOf } from '../config/cells.js'
import type { RunConfig } from '../config/schema.js'
import { stepsALine } from '../config/training.js'
import { openEvents } from '../sinks/tensorboard/events.js'
import { stepsDone } from './saved.js'

/** Adds lines to a run's results and waits until they are kept. */
export type Append = (...lines: readonly ResultLine[]) => Promise<void>

interface AppendOptions {
  /** Receives what was left out of the results, and what they lack. */
  readonly log: (line: string) => void
  /** Folder for event files of the same. */
  readonly tensorboard?: string | undefined
}

/**
 * Resumes the results of a folder.
 *
 * @throws Error, one line, where its lines are of cells that the run does not have
 */
export async function openResults(
  folder: string,
  config: RunConfig,
  { log, tensorboard }: AppendOptions,
): Promise<Append> {
  await takeBackUnsaved(folder, config, log)
  if (tensorboard === undefined) return (...lines) => appendResults(folder, ...lines)
  const addEvents = await openEvents(tensorboard, await readResults(folder))
  return async (...lines) => {
    await appendResults(folder, ...lines)
    await addEvents(lines)
  }
}

/**
 * Removes the lines of steps after the last checkpoint, and an evaluation whose line was cut: a resumed run does these
 * again.
 */
async function takeBackUnsaved(folder: string, config: RunConfig, log: AppendOptions['log']): Promise<void> {
  const { lines, train, evals, notes } = await readResults(folder)
  const done = new Map<string, number>()
  for (const cell of cellsOf(config)) {
    const steps = await stepsDone(folder, config, cell)
    done.set(cellId(cellKey(cell, config)), steps)
    const own = train.filter((line) => isCell(line, cellKey(cell, config)) && line.step <= steps).length
    const lacking = linesDue(config, steps) - own
    if (lacking > 0)
      log(
        `${resultsPath(folder)} lacks ${lacking} training lines of ${cellName(cell)}, which its checkpoint is past: they are not made again`,
      )
  }
  for (const note of notes) log(`${resultsPath(folder)}: ${note}`)
  const isKept = (line: (typeof lines)[number]) => {
    if (!('strategy' in line)) return true
    const steps = done.get(cellId(line))
    if (steps === undefined) throw otherRun(folder, line)
    if (isOf(line, 'train')) return line.step <= steps
    if (isOf(line, 'positions')) return evals.some((whole) => isCell(whole, line) && sameReading(whole, line))
    return true
  }
  await writeResults(folder, lines.filter(isKept))
}

/** Training lines of so many steps. */
function linesDue(config: RunConfig, steps: number): number {
  const every = stepsALine(config)
  return Math.floor(steps / every) + (steps === config.steps && steps % every ? 1 : 0)
}

const otherRun = (folder: string, line: CellKey) =>
  new Error(
    `run: expected lines of the cells that the first line of ${resultsPath(folder)} names, got one of ${cellId(line)}; restore the file`,
  )

const isOf = <K extends ResultLine['type']>(
  line: { readonly type: string },
  type: K,
): line is Extract<ResultLine, { type: K }> => line.type === type
