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

/** Tokens that a model reads at each length; sliding windows read all but their stride again. */
export const tokensRead = (config: RunConfig): { readonly length: number; readonly tokens: number }[] => [
  ...readingsOf(config).map(({ protocol, evalLength, stride }) => ({
    length: evalLength,
    tokens: config.evalTokens * (protocol === 'sliding' ? evalLength / stride : 1),
  })),
  ...taskLengthsOf(config).map((length) => ({ length, tokens: TASK_TRIALS * length })),
]

/**
 * Seconds of work for a cell: a forward pass takes about a third of a step, a little more where it is long.
 *
 * @param step - seconds of one, of the first
 */
export function cellSeconds(config: RunConfig, step: number): number {
  const perToken = step / (config.batchSize * config.trainLength)
  const read = tokensRead(config).reduce((sum, { tokens }) => sum + tokens, 0)
  return config.steps * step * meanWork(config) + read * perToken * 0.4
}
