import { type CellKey, modelSize } from '@alibi/results'
import type { RunConfig } from './schema.js'
import { taskNameOf, taskReferenceOf } from './task-reference.js'

/** One strategy trained from one seed: what a run is made of. */
export interface Cell {
  readonly strategy: string
  readonly seed: number
}

export const cellsOf = ({ strategies, seeds }: RunConfig): Cell[] =>
  seeds.flatMap((seed) => strategies.map((strategy) => ({ strategy, seed })))

/** What identifies the cell in results. */
export function cellKey({ strategy, seed }: Cell, config: RunConfig): CellKey {
  const task = taskReferenceOf(config.data)
  return {
    strategy,
    trainLength: config.trainLength,
    seed,
    size: modelSize(config, config.architecture),
    ...(task !== undefined && { trainedOn: taskNameOf(task) }),
  }
}
