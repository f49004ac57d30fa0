import type { Figure } from '@alibi/charts'
import type { Results } from '@alibi/results'
import { builtInStrategies, type StrategyRegistry } from '@alibi/strategies'
import { resultsByTask } from '../by-task.js'
import type { TrainedParameters } from '../trained-parameters.js'
import { biasFigures } from './biases.js'
import { contextFigures } from './contexts.js'
import { costFigures } from './cost.js'
import { courseFigures } from './courses.js'
import { perplexityFigures, shortAndLongFigures } from './perplexity.js'
import { positionFigures } from './positions.js'
import { retrievalFigures } from './retrieval.js'
import { taskFigures } from './tasks.js'
import { trainingFigures } from './training.js'

/** Every figure of a report, by what it is about. */
export type ReportFigures = ReturnType<typeof reportFigures>

export const reportFigures = (
  results: Results,
  trained: TrainedParameters,
  registry: StrategyRegistry = builtInStrategies,
) => {
  const parts = resultsByTask(results)
  const [first, ...others] = parts
  return {
    perplexity: perplexityFigures(results),
    shortAndLong: shortAndLongFigures(results),
    positions: positionFigures(results),
    retrieval: retrievalFigures(results),
    tasks: taskFigures(results),
    contexts: contextFigures(results),
    cost: costFigures(first!.results),
    training: parts.flatMap(({ trainedOn, results: own }) =>
      trainingFigures(own).map((figure) => (others.length ? ofTask(figure, trainedOn ?? 'text') : figure)),
    ),
    courses: courseFigures(results),
    biases: biasFigures(results.run, trained, registry),
  } satisfies Record<string, readonly Figure[]>
}

/** One of several figures that differ in the task. */
const ofTask = (figure: Figure, task: string): Figure => ({
  ...figure,
  id: `${figure.id}-${task}`,
  title: `${figure.title}, ${task}`,
})
