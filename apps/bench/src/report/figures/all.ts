import type { Figure } from '@alibi/charts'
import type { Results } from '@alibi/results'
import { builtInStrategies, type StrategyRegistry } from '@alibi/strategies'
import type { TrainedParameters } from '../trained-parameters.js'
import { biasFigures } from './biases.js'
import { costFigures } from './cost.js'
import { courseFigures } from './courses.js'
import { perplexityFigures, shortAndLongFigures } from './perplexity.js'
import { positionFigures } from './positions.js'
import { retrievalFigures } from './retrieval.js'
import { trainingFigures } from './training.js'

/** Every figure of a report, by what it is about. */
export type ReportFigures = ReturnType<typeof reportFigures>

export const reportFigures = (
  results: Results,
  trained: TrainedParameters,
  registry: StrategyRegistry = builtInStrategies,
) =>
  ({
    perplexity: perplexityFigures(results),
    shortAndLong: shortAndLongFigures(results),
    positions: positionFigures(results),
    retrieval: retrievalFigures(results),
    cost: costFigures(results),
    training: trainingFigures(results),
    courses: courseFigures(results),
    biases: biasFigures(results.run, trained, registry),
  }) satisfies Record<string, readonly Figure[]>
