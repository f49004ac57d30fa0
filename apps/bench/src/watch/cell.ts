import { type CellKey, cellId, groupByCell, type Results, type RunLine } from '@alibi/results'
import type { Cell } from '../config/cells.js'
import { savedConfig } from '../config/saved.js'
import type { RunConfig } from '../config/schema.js'
import type { End } from '../sweep/folder.js'

/** What a folder has of one cell of a run or sweep. */
export interface WatchedCell {
  readonly key: CellKey
  /** The run's config with this cell's strategy and seed alone. */
  readonly config: RunConfig
  /** Its lines alone; undefined before the first, and before they were read. */
  readonly results: Results | undefined
  /** How its process ended, in a sweep. */
  readonly end: End | undefined
  /** Whether a process of this machine works on it. */
  readonly atWork: boolean
}

/** @throws Error, one line, for results of another program */
export function settingsOf(run: RunLine): RunConfig {
  const config = savedConfig(run)
  if (!config) throw new Error('watch: expected results of the bench, got those of another program; make their report')
  return config
}

export const alone = (config: RunConfig, { strategy, seed }: Cell): RunConfig => ({
  ...config,
  strategies: [strategy],
  seeds: [seed],
})

/** What results have of each cell; undefined where they have no line of it. */
export function linesByCell({ run, ...lines }: Results): (key: CellKey) => Results | undefined {
  const index = <L extends CellKey>(all: readonly L[]) =>
    new Map(groupByCell(all).map((own) => [cellId(own[0]!), own] as const))
  const train = index(lines.train)
  const evals = index(lines.evals)
  const positions = index(lines.positions)
  const retrieval = index(lines.retrieval)
  const tasks = index(lines.tasks)
  const contexts = index(lines.contexts)
  return (key) => {
    const id = cellId(key)
    if (!train.has(id) && !evals.has(id) && !tasks.has(id)) return undefined
    return {
      run,
      train: train.get(id) ?? [],
      evals: evals.get(id) ?? [],
      positions: positions.get(id) ?? [],
      retrieval: retrieval.get(id) ?? [],
      tasks: tasks.get(id) ?? [],
      contexts: contexts.get(id) ?? [],
    }
  }
}
