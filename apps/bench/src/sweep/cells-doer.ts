import type { Results } from '@alibi/results'
import type { Progress } from '../terminal/progress.js'
import type { SweepCell } from './cells.js'

/** Who does the cells of a sweep: processes of this machine, or of others. */
export interface CellsDoer {
  /** How many cells it takes before it has done one. */
  readonly atOnce: number
  /** How many cells are worked on now, for the time that is left. */
  working(): number
  /**
   * Does a cell. Its results are then whole in its folder.
   *
   * @throws Error, one line, for a cell that failed
   */
  do(cell: SweepCell, progress: Progress): Promise<DoneCell>
}

export interface DoneCell {
  /** What its folder has. */
  readonly results: Results
  /** That it took, the start of its process included, if one process did it from start to end. */
  readonly seconds: number | undefined
  /** To be called once the sweep has kept its lines. */
  readonly kept?: () => Promise<void>
}
