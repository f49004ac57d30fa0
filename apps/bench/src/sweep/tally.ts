import type { CellState } from './folder.js'

/** What the cells of a sweep have come to, counted as they end: to count all of many each time would take longer than they do. */
export interface Tally {
  finished: number
  failed: number
  /** Of the finished ones, together. */
  seconds: number
}

export function tallyOf(states: Iterable<CellState>): Tally {
  const tally = { finished: 0, failed: 0, seconds: 0 }
  for (const state of states) add(tally, state, 1)
  return tally
}

/** A cell has another state than it had. */
export function countAgain(tally: Tally, before: CellState, now: CellState): void {
  add(tally, before, -1)
  add(tally, now, 1)
}

function add(tally: Tally, state: CellState, count: 1 | -1): void {
  if (state.end === undefined) return
  tally[state.end] += count
  if (state.end === 'finished') tally.seconds += count * state.seconds
}
