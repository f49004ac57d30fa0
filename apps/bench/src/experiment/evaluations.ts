import { describeReading } from '@alibi/results'
import type { StrategyRegistry } from '@alibi/strategies'
import type { RunConfig } from '../config/schema.js'
import { isDivisible, type PlannedReading, readingsOf, taskLengthsOf } from './readings.js'
import { type TrialKind, trialKindsOf } from './retrieval.js'

/** What a model is tried by once it is trained. */
export interface PlannedEvaluations {
  readonly readings: readonly PlannedReading[]
  /** What its strategy has no positions for, because a learned table ends. */
  readonly beyond: readonly string[]
  readonly trials: readonly TrialKind[]
  /** The lengths of its task's trials. */
  readonly taskLengths: readonly number[]
  readonly maxPositions: number
}

/** One of them. */
export type PlannedEvaluation =
  | { readonly reading: PlannedReading }
  | { readonly trial: TrialKind }
  | { readonly taskLength: number }

/** In the order in which they are done. */
export const evaluationsOf = ({
  readings,
  trials,
  taskLengths,
}: Pick<PlannedEvaluations, 'readings' | 'trials' | 'taskLengths'>): readonly PlannedEvaluation[] => [
  ...readings.map((reading) => ({ reading })),
  ...trials.map((trial) => ({ trial })),
  ...taskLengths.map((taskLength) => ({ taskLength })),
]

/** Whether replicas may do it together. */
export const isShareable = (evaluation: PlannedEvaluation): boolean =>
  !('reading' in evaluation) || isDivisible(evaluation.reading)

/**
 * All that a run asks for, less what is beyond a strategy's last position.
 *
 * @throws RangeError if there is no such strategy
 */
export function plannedEvaluations(
  strategy: string,
  config: RunConfig,
  registry: StrategyRegistry,
): PlannedEvaluations {
  const { maxPositions = Number.POSITIVE_INFINITY } = registry.make(strategy, config)
  const isPossible = ({ protocol, evalLength }: PlannedReading) =>
    (protocol === 'streaming' ? config.evalTokens : evalLength) <= maxPositions
  const all = readingsOf(config)
  const lengths = taskLengthsOf(config)
  return {
    readings: all.filter(isPossible),
    beyond: [
      ...all.filter((reading) => !isPossible(reading)).map(describeReading),
      ...lengths.filter((length) => length > maxPositions).map(String),
    ],
    trials: trialKindsOf(config).filter(({ evalLength }) => evalLength <= maxPositions),
    taskLengths: lengths.filter((length) => length <= maxPositions),
    maxPositions,
  }
}
