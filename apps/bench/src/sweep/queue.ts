import { describeCell } from '@alibi/results'
import type { SweepCell } from './cells.js'
import type { CellState } from './folder.js'

/** Whether a cell is to be done; one that has failed is, when that was asked for. */
export const isLeft = ({ end }: CellState, retry = false): boolean => end === undefined || (end === 'failed' && retry)

/** Cells that are to be done, given out in their order, each once the one that it goes on from has ended. */
export interface Queue {
  /** How many were not given out, or are not done. */
  left(): number
  /** Undefined once all are given out, or none of the rest can be: the one that they go on from was stopped. */
  next(): Promise<SweepCell | undefined>
  /** The failure of a cell whose source has failed; undefined for others. */
  lacksSource(cell: SweepCell): CellState | undefined
  /** Tells that one has ended, or was stopped. */
  end(cell: SweepCell, state: CellState): void
}

/** @param states - of all cells; kept up to date */
export function createQueue(cells: readonly SweepCell[], states: Map<SweepCell, CellState>, retry: boolean): Queue {
  const waiting = cells.filter((cell) => isLeft(states.get(cell)!, retry))
  // What is repeated has not ended yet.
  const unfinished = new Set(waiting)
  const given = new Set<SweepCell>()
  let [left, first, stopped] = [waiting.length, 0, false]
  let wake: (() => void)[] = []

  const take = (): SweepCell | undefined => {
    // Many cells are taken one after another: those at the front are not looked at again.
    while (given.has(waiting[first]!)) first += 1
    for (let at = first; at < waiting.length; at++) {
      const cell = waiting[at]!
      if (given.has(cell) || (cell.source && unfinished.has(cell.source.cell))) continue
      given.add(cell)
      return cell
    }
    return undefined
  }
  return {
    left: () => left,
    async next() {
      for (;;) {
        const cell = take()
        if (cell || given.size === waiting.length || stopped) return cell
        await new Promise<void>((resolve) => wake.push(resolve))
      }
    },
    lacksSource({ source }) {
      const state = source && states.get(source.cell)!
      if (!state || state.end === 'finished') return undefined
      return {
        end: 'failed',
        message: `expected ${describeCell(source.cell.key)}, which it goes on from, to be finished`,
      }
    },
    end(cell, state) {
      if (state.end === undefined) stopped = true
      else {
        states.set(cell, state)
        unfinished.delete(cell)
        left -= 1
      }
      for (const resolve of wake) resolve()
      wake = []
    },
  }
}
