import { makeReading, type Reading } from '@alibi/results'
import { meanWork } from '../config/length-schedule.js'
import type { RunConfig } from '../config/schema.js'

/** One that this bench can do. */
export type PlannedReading = Reading & { readonly protocol: RunConfig['protocols'][number] }

/** Every reading that a run asks for; a window as long as the text that is read would change nothing. */
export function readingsOf({
  evalLengths,
  protocols,
  stride,
  windowedControl,
  trainLength,
}: RunConfig): PlannedReading[] {
  return protocols.flatMap((protocol) =>
    evalLengths.flatMap((length) => [
      makeReading(length, protocol, stride),
      ...(windowedControl && length > trainLength ? [makeReading(length, protocol, stride, trainLength)] : []),
    ]),
  )
}

/** Tokens that a model reads in each of them; sliding windows read all but their stride again. */
export const tokensRead = (config: RunConfig): { readonly length: number; readonly tokens: number }[] =>
  readingsOf(config).map(({ protocol, evalLength, stride }) => ({
    length: evalLength,
    tokens: config.evalTokens * (protocol === 'sliding' ? evalLength / stride : 1),
  }))

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
