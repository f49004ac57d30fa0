import type { RunConfig } from '../config/schema.js'
import { without } from '../config/without.js'
import { cellSeconds } from '../experiment/readings.js'
import type { SweepCell } from './cells.js'
import type { CellState } from './folder.js'

/** What cells alike in it take alike: all but the strategy and the seed. */
const costOf = ({ key, config: { steps, batchSize, lengthSchedule, evalLengths } }: SweepCell) =>
  JSON.stringify([key.size, key.trainLength, steps, batchSize, lengthSchedule, evalLengths])

/** What has the steps of a cell: one that goes on from another has no model to time them with. */
const timedFor = ({ config, source }: SweepCell): RunConfig =>
  source ? { ...without(config, 'plugins', 'variants'), strategies: ['none'], steps: TIMED } : config

/** More than are timed. */
const TIMED = 20

export interface Estimate {
  /** Seconds that all cells that are not finished will take. */
  readonly seconds: number
  readonly from: string
}

/** What a few training steps of cells have shown. */
export interface Probe {
  /** Seconds a step of each cell. */
  readonly steps: readonly number[]
  /** How many cells had their steps timed. The steps of the others are estimated in proportion to their operations. */
  readonly timed: number
  /** Seconds that a process takes before it trains at full speed. */
  readonly start: number
}

/**
 * Seconds of work that cells will take, one after the other, the start of their processes included: as long as finished cells
 * of their size and train length took, or by a probe's measurement.
 *
 * @param left - to be done
 * @param probe - measures training steps of cells
 */
export async function estimateSweep(
  states: ReadonlyMap<SweepCell, CellState>,
  left: readonly SweepCell[],
  probe: (cells: readonly RunConfig[]) => Promise<Probe>,
): Promise<Estimate> {
  const finished = new Map<string, number[]>()
  for (const [cell, state] of states)
    if (state.end === 'finished') finished.set(costOf(cell), [...(finished.get(costOf(cell)) ?? []), state.seconds])
  const unknown = new Map(left.filter((cell) => !finished.has(costOf(cell))).map((cell) => [costOf(cell), cell]))
  const probed = new Map<string, number>()
  let timed = 0
  if (unknown.size) {
    const { steps, start, ...rest } = await probe([...unknown.values()].map(timedFor))
    for (const [i, [cost, { config }]] of [...unknown].entries())
      probed.set(cost, start + cellSeconds(config, steps[i]!))
    timed = rest.timed
  }
  const seconds = left.reduce((sum, cell) => sum + (mean(finished.get(costOf(cell))) ?? probed.get(costOf(cell))!), 0)
  const measured = left.filter((cell) => finished.has(costOf(cell))).length
  const kinds = timed === 1 ? 'one kind' : `${timed} kinds`
  const sources = [
    ...(measured ? [`${measured} by finished cells`] : []),
    ...(left.length > measured
      ? [
          `${left.length - measured} by timing a start and a few steps${timed < unknown.size ? ` of ${kinds} of ${unknown.size}` : ''}`,
        ]
      : []),
  ]
  return { seconds, from: sources.join(', ') }
}

const mean = (values: readonly number[] | undefined) => values && values.reduce((a, b) => a + b) / values.length
