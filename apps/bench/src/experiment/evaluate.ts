import type { CellKey, EvalLine, PositionsLine } from '@alibi/results'
import { evaluate, type Model } from '@alibi/transformer'
import type { RunConfig } from '../config/schema.js'
import { randomPositions } from '../data/random-positions.js'
import type { Located } from '../data/tokenizer/tokenizer.js'
import { thousands } from '../terminal/format.js'
import type { Progress } from '../terminal/progress.js'
import { placeBins } from './loss-by-position.js'

/** How held-out text is read: what tells evaluations of one cell from each other. */
export type Reading = Pick<EvalLine, 'evalLength' | 'protocol' | 'stride' | 'attentionWindow'>

/**
 * @param stride - of windows; default half of the length
 * @param attentionWindow - keys, the last ones, that each query is limited to; default all
 */
export function makeReading(
  evalLength: number,
  protocol: Reading['protocol'],
  stride = Math.max(1, evalLength >> 1),
  attentionWindow?: number,
): Reading {
  const apart = protocol === 'nonoverlapping' ? evalLength : stride
  return { evalLength, protocol, stride: apart, ...(attentionWindow !== undefined && { attentionWindow }) }
}

/** Every reading that a run asks for; a window as long as the text that is read would change nothing. */
export function readingsOf({ evalLengths, protocols, stride, windowedControl, trainLength }: RunConfig): Reading[] {
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

export const sameReading = (a: Reading, b: Reading) =>
  a.evalLength === b.evalLength &&
  a.protocol === b.protocol &&
  a.stride === b.stride &&
  a.attentionWindow === b.attentionWindow

/** e.g. `512`, `512, sliding by 64`, `512, 128 keys` */
export const describeReading = ({ evalLength, protocol, stride, attentionWindow }: Reading) =>
  [
    `${evalLength}`,
    ...(protocol === 'nonoverlapping' ? [] : [`${protocol} by ${stride}`]),
    ...(attentionWindow === undefined ? [] : [`${attentionWindow} keys`]),
  ].join(', ')

export interface EvaluationRequest {
  readonly cell: CellKey
  readonly reading: Reading
  /** Held-out tokens to score at most. */
  readonly maxTokens: number
  /** The range that positions are drawn from, if they are. */
  readonly randomPositions?: number | undefined
}

/** Evaluates a model on the start of the held-out text: the whole, and by place in the sequence. */
export async function evaluateModel(
  model: Model,
  { tokens: valid, byteEnds }: Located,
  { cell, reading, maxTokens, randomPositions: range }: EvaluationRequest,
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<{ readonly whole: EvalLine; readonly positions: PositionsLine }> {
  progress.start(`evaluate ${cell.strategy}-seed${cell.seed} at ${describeReading(reading)}`, maxTokens)
  const started = performance.now()
  const { byPlace, tokens, lossNats, perplexity, tokensPerSecond, peakBytes } = await evaluate(model, valid, {
    ...reading,
    maxTokens,
    ...(range !== undefined && {
      positions: (batch: number, length: number) => randomPositions(length, range, cell.seed, batch),
    }),
    signal,
    onProgress: (done, total) => {
      const rate = (1000 * done) / (performance.now() - started)
      progress.update((done / total) * maxTokens, `${thousands(rate)} tok/s`)
    },
  })
  // Scored: those after the first, which nothing predicts.
  const bytes = byteEnds[tokens]! - byteEnds[0]!
  const bitsPerByte = (lossNats * tokens) / Math.LN2 / bytes
  const measured = { tokens, lossNats, perplexity, bitsPerByte, tokensPerSecond, peakBytes }
  return {
    whole: { type: 'eval', ...cell, ...reading, ...measured },
    positions: { type: 'positions', ...cell, ...reading, bins: placeBins(byPlace, cell.trainLength) },
  }
}
