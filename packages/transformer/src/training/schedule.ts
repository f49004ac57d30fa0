/** How the learning rate moves over training. */
export interface Schedule {
  /** The peak. */
  readonly learningRate: number
  /** Reached at totalSteps. Default 0. */
  readonly minLearningRate?: number
  /** Steps of linear rise to the peak. Default 0. */
  readonly warmupSteps?: number
  /** End of the cosine fall. Absent: constant after the warm-up. */
  readonly totalSteps?: number
}

/**
 * Linear warm-up, then a cosine to the minimum (Loshchilov & Hutter, 2017).
 *
 * @param step - steps done before this one, from 0
 */
export function learningRateAt(step: number, schedule: Schedule): number {
  const { learningRate, minLearningRate = 0, warmupSteps = 0, totalSteps } = schedule
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps
  if (totalSteps === undefined) return learningRate
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps))
  return minLearningRate + 0.5 * (learningRate - minLearningRate) * (1 + Math.cos(Math.PI * progress))
}
