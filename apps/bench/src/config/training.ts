import type { RunConfig } from './schema.js'

/** The optimizer that a run trains with, as its checkpoints say it. */
export const optimizerConfig = ({ optimizer: kind, steps: totalSteps, ...config }: RunConfig) => {
  const { learningRate, initialLearningRate, minLearningRate, warmupSteps, weightDecay, clipNorm } = config
  return {
    kind,
    ...(initialLearningRate !== undefined && { initialLearningRate }),
    learningRate,
    minLearningRate,
    warmupSteps,
    // A schedule without steps has no end.
    ...(totalSteps > 0 && { totalSteps }),
    weightDecay,
    clipNorm,
    ...(config.from?.optimizerSteps !== undefined && { stepsBefore: config.from.optimizerSteps }),
  }
}

/** Training lines are this many steps apart; the last step has one. */
export const stepsALine = ({ steps }: Pick<RunConfig, 'steps'>): number => Math.max(1, Math.round(steps / 50))
