import { builtInStrategies } from '@alibi/strategies'
import type { RunConfig } from '../config/schema.js'
import { plannedEvaluations } from '../experiment/evaluations.js'
import { readingsOf, taskLengthsOf } from '../experiment/readings.js'
import { trialKindsOf } from '../experiment/retrieval.js'
import { thousands } from '../terminal/format.js'
import type { WatchedCell } from './cell.js'

export interface WatchedState {
  readonly state: 'to be done' | 'training' | 'evaluating' | 'stopped' | 'finished' | 'failed'
  /** e.g. `450 of 1,500 steps` */
  readonly detail: string
}

/**
 * How far a cell is.
 *
 * @param passed - whether a later cell of a run has begun, so that this one is finished even with fewer evaluations than
 *   can be known here: a plugin's positions may end
 * @param planned - evaluations of it once it is trained
 */
function cellState(
  { config, results, end, atWork }: WatchedCell,
  passed: boolean,
  planned: () => number,
): WatchedState {
  if (end?.end === 'finished') return { state: 'finished', detail: '' }
  if (end && !atWork) return { state: 'failed', detail: end.message }
  if (!results) return atWork ? { state: 'training', detail: '' } : { state: 'to be done', detail: '' }
  const step = results.train.at(-1)?.step ?? 0
  if (step < config.steps)
    return {
      state: atWork ? 'training' : 'stopped',
      detail: `${thousands(step)} of ${thousands(config.steps)} steps`,
    }
  const done = results.evals.length + results.retrieval.length + results.tasks.length
  if (passed || done >= planned()) return { state: 'finished', detail: '' }
  return { state: atWork ? 'evaluating' : 'stopped', detail: `trained, ${done} of ${planned()} evaluations` }
}

/** Evaluations of a trained cell. */
function countPlanned(config: RunConfig): number {
  const [strategy] = config.strategies as [string]
  // A plugin is not loaded to watch it: that would run its code.
  if (!builtInStrategies.has(strategy, config))
    return readingsOf(config).length + trialKindsOf(config).length + taskLengthsOf(config).length
  const { readings, trials, taskLengths } = plannedEvaluations(strategy, config, builtInStrategies)
  return readings.length + trials.length + taskLengths.length
}

/** The state of each cell, in their order. A run does its cells one after another, so at most one is in progress. */
export function cellStates(cells: readonly WatchedCell[], inOneProcess: boolean): WatchedState[] {
  const counts = new Map<string, number>()
  const planned = ({ key: { strategy, trainLength, size }, config }: WatchedCell) => {
    const id = `${strategy} ${trainLength} ${size}`
    if (!counts.has(id)) counts.set(id, countPlanned(config))
    return counts.get(id)!
  }
  const lastBegun = inOneProcess ? cells.findLastIndex(({ results }) => results) : -1
  let busy = false
  return cells.map((cell, i) => {
    const state = cellState({ ...cell, atWork: cell.atWork && !busy }, i < lastBegun, () => planned(cell))
    busy ||= inOneProcess && state.state !== 'finished'
    return state
  })
}
