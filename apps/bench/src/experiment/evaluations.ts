import { describeReading } from '@alibi/results'
import type { StrategyRegistry } from '@alibi/strategies'
import type { RunConfig } from '../config/schema.js'
import { type PlannedReading, readingsOf, taskLengthsOf } from './readings.js'
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
