import { makeReading, type Reading } from '@alibi/results'
import { meanWork } from '../config/length-schedule.js'
import type { RunConfig } from '../config/schema.js'
import { taskReferenceOf } from '../config/task-reference.js'

/** One that this bench can do. */
export type PlannedReading = Reading & { readonly protocol: RunConfig['protocols'][number] }

/** Every reading of held-out text that a run asks for; a window as long as the text that is read would change nothing. */
export function readingsOf({
  data,
  evalLengths,
  protocols,
  stride,
  windowedControl,
  trainLength,
}: RunConfig): PlannedReading[] {
  if (taskReferenceOf(data) !== undefined) return []
  return protocols.flatMap((protocol) =>
    evalLengths.flatMap((length) => [
      makeReading(length, protocol, stride),
      ...(windowedControl && length > trainLength ? [makeReading(length, protocol, stride, trainLength)] : []),
    ]),
  )
}

/** Trials of a task at each length. A share of 200 trials is known within 7 points. */
export const TASK_TRIALS = 200

/** The lengths at which a run tries its models on the task that it trains them on. */
export const taskLengthsOf = ({ data, evalLengths }: RunConfig): readonly number[] =>
  taskReferenceOf(data) === undefined ? [] : evalLengths

/** Whether replicas may share a reading: each window of a stream needs the one before. */
export const isDivisible = ({ protocol }: Pick<Reading, 'protocol'>): boolean => protocol !== 'streaming'

/** What a model reads in one evaluation. */
interface TokensRead {
  readonly length: number
  readonly tokens: number
  readonly divisible: boolean
}

/** Tokens that a model reads at each length; sliding windows read all but their stride again. */
export const tokensRead = (config: RunConfig): TokensRead[] => [
  ...readingsOf(config).map(({ protocol, evalLength, stride }) => ({
    length: evalLength,
    tokens: config.evalTokens * (protocol === 'sliding' ? evalLength / stride : 1),
    divisible: isDivisible({ protocol }),
  })),
  ...taskLengthsOf(config).map((length) => ({ length, tokens: TASK_TRIALS * length, divisible: true })),
]

/**
 * Seconds of work for a cell: a forward pass takes about a third of a step, a little more where it is long.
 *
 * @param step - seconds of one, of the first
 * @param replicas - that take such a step together
 */
export function cellSeconds(config: RunConfig, step: number, replicas = 1): number {
  const perToken = step / (config.batchSize * config.trainLength)
  // One alone has a step's work in all of its parts.
  const read = tokensRead(config).reduce((sum, { tokens, divisible }) => sum + tokens * (divisible ? 1 : replicas), 0)
  return config.steps * step * meanWork(config) + read * perToken * 0.4
}
