import { groupBy } from './group.js'
import type { TaskLine } from './lines.js'
import { evalLengthsOf } from './rows.js'
import { type ScoreOverSeeds, scoreOverSeeds } from './shares.js'

/**
 * The share of right answers up to which a length counts as read: RULER's threshold, which is what Llama-2-7B reaches at 4,096
 * tokens (Hsieh et al., 2024, §4).
 */
export const EFFECTIVE_SCORE = 0.856

/** How far a score stays up. Lengths are those that were tried, in tokens; undefined: not even at the shortest. */
export interface EffectiveLength {
  /** The longest length up to which every score is at least the threshold. */
  readonly length: number | undefined
  /** The same for the lower and for the upper ends of the scores' intervals. */
  readonly interval: readonly [low: number | undefined, high: number | undefined]
  /** The longest length that was tried: a model may read further. */
  readonly longest: number
}

/**
 * The effective length of RULER, with an interval: the effective lengths of the lower and of the upper ends of the scores'
 * intervals. These are Wilson's at 95 %; see {@link scoreOverSeeds}.
 *
 * @param lines - of one row, task and scoring; at least one
 * @param threshold - the lowest score that counts as reading, 0 to 1. Default RULER's
 */
export function effectiveLength(
  lines: readonly Pick<TaskLine, 'evalLength' | 'score' | 'trials'>[],
  threshold: number = EFFECTIVE_SCORE,
): EffectiveLength {
  const byLength = groupBy(lines, ({ evalLength }) => evalLength)
  const lengths = evalLengthsOf(lines)
  const upTo = (score: (all: ScoreOverSeeds) => number) => {
    const below = lengths.findIndex((length) => score(scoreOverSeeds(byLength.get(length)!)) < threshold)
    return below < 0 ? lengths.at(-1) : lengths[below - 1]
  }
  return {
    length: upTo(({ score }) => score),
    interval: [upTo(({ interval }) => interval[0]), upTo(({ interval }) => interval[1])],
    longest: lengths.at(-1)!,
  }
}
