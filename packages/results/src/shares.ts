import type { TaskLine } from './lines.js'

/** The quantile of the standard normal distribution that leaves 2.5 % above it. */
const Z = 1.959963984540054

/**
 * Wilson's interval of a share at 95 % (Wilson, 1927, as Brown, Cai and DasGupta, 2001, eq. 4): it stays within 0 and 1 and
 * keeps its coverage near them, where the plain one does not. A mean of values from 0 to 1 has at most the variance of a share
 * of the same size, so that for one the interval is rather too wide than too narrow.
 *
 * @param share - of trials that were right; 0 to 1
 * @param trials - how many there were, ≥ 1
 */
export function wilsonInterval(share: number, trials: number): readonly [low: number, high: number] {
  const spread = Z ** 2 / trials
  const middle = (share + spread / 2) / (1 + spread)
  const half = (Z / (1 + spread)) * Math.sqrt((share * (1 - share)) / trials + spread / (4 * trials))
  // The share itself is never outside: at 0 and 1 rounding would put it there.
  return [Math.max(0, Math.min(share, middle - half)), Math.min(1, Math.max(share, middle + half))]
}

/** A score over the seeds of a row. */
export interface ScoreOverSeeds {
  /** The mean over seeds, 0 to 1. */
  readonly score: number
  /** From the lowest to the highest end of the seeds' Wilson intervals: what either trials or seeds leave open is in it. */
  readonly interval: readonly [low: number, high: number]
  /** How many seeds there are. */
  readonly seeds: number
}

/**
 * The mean score of a row's seeds, with an interval.
 *
 * @param lines - of one task, scoring and length, one a seed; at least one
 */
export function scoreOverSeeds(lines: readonly Pick<TaskLine, 'score' | 'trials'>[]): ScoreOverSeeds {
  const intervals = lines.map(({ score, trials }) => wilsonInterval(score, trials))
  return {
    score: lines.reduce((sum, { score }) => sum + score, 0) / lines.length,
    interval: [Math.min(...intervals.map(([low]) => low)), Math.max(...intervals.map(([, high]) => high))],
    seeds: lines.length,
  }
}
