import { fail } from '@alibi/core'

/** How the learning rate moves over training. */
export interface Schedule {
  /** The peak. */
  readonly learningRate: number
  /** Reached at totalSteps. Default 0. */
  readonly minLearningRate?: number
  /**
   * Where the warm-up begins, at step 0, as fairseq's: the peak is reached at step warmupSteps. Absent: the rise begins a step
   * above 0, and the last of its steps has the peak.
   */
  readonly initialLearningRate?: number
  /** Steps of linear rise to the peak. Default 0. */
  readonly warmupSteps?: number
  /** End of the cosine fall. Absent: constant after the warm-up. */
  readonly totalSteps?: number
}

/**
 * Linear warm-up, then a cosine to the minimum (Loshchilov & Hutter, 2017).
 *
 * @param step - steps done before this one, from 0
 * @throws RangeError or TypeError for a step below 0, or no schedule
 */
export function learningRateAt(step: number, schedule: Schedule): number {
  if (!(step >= 0)) fail('learningRateAt', 'a step ≥ 0', step)
  if (!(schedule?.learningRate >= 0)) fail('learningRateAt', 'a schedule with a learningRate ≥ 0', schedule, TypeError)
  const { learningRate, initialLearningRate, minLearningRate = 0, warmupSteps = 0, totalSteps } = schedule
  if (step < warmupSteps)
    return initialLearningRate === undefined
      ? (learningRate * (step + 1)) / warmupSteps
      : initialLearningRate + (step * (learningRate - initialLearningRate)) / warmupSteps
  if (totalSteps === undefined) return learningRate
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps))
  return minLearningRate + 0.5 * (learningRate - minLearningRate) * (1 + Math.cos(Math.PI * progress))
}
