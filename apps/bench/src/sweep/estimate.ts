import { estimateSeconds } from '../experiment/experiment.js'
import type { SweepCell } from './cells.js'
import type { CellState } from './folder.js'
import { secondsOf } from './results.js'

/** What cells alike in it take alike: all but the strategy and the seed. */
const costOf = ({ key }: SweepCell) => `${key.size}-L${key.trainLength}`

export interface Estimate {
  /** Of all cells that are not finished. */
  readonly seconds: number
  readonly from: string
}

/**
 * Seconds of work that cells will take, one after the other: as long as finished cells of their size and train length took,
 * or by a probe's measurement.
 *
 * @param left - to be done
 * @param probe - measures seconds a training step of a cell
 */
export async function estimateSweep(
  states: ReadonlyMap<SweepCell, CellState>,
  left: readonly SweepCell[],
  probe: (cell: SweepCell) => Promise<number>,
): Promise<Estimate> {
  const finished = new Map<string, number[]>()
  for (const [cell, state] of states)
    if (state.end === 'finished')
      finished.set(costOf(cell), [...(finished.get(costOf(cell)) ?? []), secondsOf(state.results)])
  const probed = new Map<string, number>()
  let seconds = 0
  for (const cell of left) {
    const cost = costOf(cell)
    const known = finished.get(cost)
    if (!known && !probed.has(cost)) probed.set(cost, estimateSeconds(cell.config, await probe(cell)))
    seconds += known ? known.reduce((a, b) => a + b) / known.length : probed.get(cost)!
  }
  const measured = left.filter((cell) => finished.has(costOf(cell))).length
  const sources = [
    ...(measured ? [`${measured} by finished cells`] : []),
    ...(left.length > measured
      ? [
          `${left.length - measured} by timing ${probed.size === 1 ? 'a few steps' : `a few steps of ${probed.size} of them`}`,
        ]
      : []),
  ]
  return { seconds, from: sources.join(', ') }
}
