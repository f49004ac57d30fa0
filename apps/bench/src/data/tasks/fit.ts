import { seededRandom } from '@alibi/core'
import type { NamedTask, Trial } from './task.js'

/** Tokens of a trial, its answer included. */
export type TrialSize = (trial: Trial) => number

/** Trials of a length that must all fit: their sizes differ a little. */
const TRIED = 4

/** Seeds of trials of different kinds are far from each other. */
const seedOf = (length: number, seed: number) => Math.imul(length + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b)

/**
 * The longest length whose trials have at most so many tokens.
 *
 * @returns undefined if not even the shortest fit
 */
export function longestFitting({ shortest, trial }: NamedTask, size: TrialSize, most: number): number | undefined {
  const fits = (length: number) =>
    Array.from({ length: TRIED }, (_, seed) => size(trial(length, seededRandom(seedOf(length, seed)), most))).every(
      (tokens) => tokens <= most,
    )
  if (!fits(shortest)) return undefined
  let [low, high] = [shortest, shortest + 1]
  // A unit of length takes a token or more.
  while (high - shortest <= most && fits(high)) [low, high] = [high, shortest + 2 * (high - shortest)]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (fits(middle)) low = middle
    else high = middle
  }
  return low
}

/** A trial of at most `length` that fits: in place of one that does not, shorter ones are made, soon much shorter. */
export function fittingTrial(
  { name, shortest, trial }: NamedTask,
  length: number,
  size: TrialSize,
  most: number,
  random: () => number,
): Trial {
  for (let less = 0; ; less = 2 * less + 1) {
    const made = trial(Math.max(shortest, length - less), random, most)
    if (size(made) <= most) return made
    if (length - less <= shortest) break
  }
  throw new RangeError(`task ${name}: expected trials of at most ${most} tokens, got longer ones at every length`)
}

/** Trials to try models with, the same for every model. */
export function makeTrials(task: NamedTask, size: TrialSize, most: number, count: number): MadeTrials | undefined {
  const length = longestFitting(task, size, most)
  if (length === undefined) return undefined
  const random = seededRandom(seedOf(most, 0x51ed27))
  return { length, trials: Array.from({ length: count }, () => fittingTrial(task, length, size, most, random)) }
}

export interface MadeTrials {
  /** The longest that fits, which nearly all trials have. */
  readonly length: number
  readonly trials: readonly Trial[]
}
