import type { Results } from '@alibi/results'
import { secondsOf } from '../sweep/results.js'
import type { WatchedCell } from './cell.js'
import type { WatchedState } from './cell-state.js'

/** How far all cells are together. */
export interface WholeProgress {
  /** From 0 to 1. */
  readonly share: number
  /** At the pace so far, by the processes that work now; undefined where none does, or nothing tells the pace. */
  readonly secondsLeft: number | undefined
}

/**
 * A cell takes as long as finished cells of its strategy, train length and size did; before there is one, as those of other
 * strategies, or as its own steps say.
 */
export function wholeProgress(cells: readonly WatchedCell[], states: readonly WatchedState[]): WholeProgress {
  const isFinished = (i: number) => states[i]!.state === 'finished'
  const alike = new Map<string, { seconds: number; count: number }>()
  const took = cells.map(({ results }) => (results ? secondsOnce(results) : 0))
  cells.forEach(({ results, key: { strategy, trainLength, size } }, i) => {
    if (!results || !isFinished(i)) return
    for (const id of [`${size} ${trainLength}`, `${size} ${trainLength} ${strategy}`]) {
      const sum = alike.get(id) ?? { seconds: 0, count: 0 }
      alike.set(id, { seconds: sum.seconds + took[i]!, count: sum.count + 1 })
    }
  })
  const expected = cells.map(({ key: { strategy, trainLength, size }, config, results }, i) => {
    if (isFinished(i) && results) return took[i]!
    const sum = alike.get(`${size} ${trainLength} ${strategy}`) ?? alike.get(`${size} ${trainLength}`)
    if (sum) return sum.seconds / sum.count
    const { step, elapsedSeconds = 0 } = results?.train.at(-1) ?? { step: 0 }
    return step && elapsedSeconds ? (elapsedSeconds * config.steps) / step : undefined
  })
  const known = expected.filter((seconds) => seconds !== undefined)
  const mean = known.reduce((a, b) => a + b, 0) / known.length
  const done = cells.map((_, i) => (isFinished(i) ? 1 : Math.min(0.99, took[i]! / (expected[i] ?? mean) || 0)))
  const whole = expected.map((seconds) => seconds ?? mean)
  const left = whole.reduce((sum, seconds, i) => sum + seconds * (1 - done[i]!), 0)
  const all = whole.reduce((sum, seconds) => sum + seconds, 0)
  const processes = states.filter(({ state }) => state === 'training' || state === 'evaluating').length
  return {
    share: all > 0 ? 1 - left / all : done.filter((share) => share === 1).length / Math.max(1, cells.length),
    secondsLeft: processes && left >= 0 && known.length ? left / processes : undefined,
  }
}

const seconds = new WeakMap<Results, number>()

/** Lines of a cell that has not changed are not summed again. */
function secondsOnce(results: Results): number {
  if (!seconds.has(results)) {
    const own = secondsOf(results)
    seconds.set(results, Number.isFinite(own) ? own : 0)
  }
  return seconds.get(results)!
}
