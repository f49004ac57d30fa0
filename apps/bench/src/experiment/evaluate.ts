import { type CellKey, cellName, describeReading, type EvalLine, formatMean, type PositionsLine } from '@alibi/results'
import { evaluate, type Model } from '@alibi/transformer'
import { randomPositions } from '../data/random-positions.js'
import type { FirstToken } from '../data/tokenizer/first-token.js'
import type { Located } from '../data/tokenizer/tokenizer.js'
import { thousands } from '../terminal/format.js'
import { placeBins } from './loss-by-position.js'
import type { PlannedReading } from './readings.js'
import type { EvaluationWork } from './work.js'

export interface EvaluationRequest {
  readonly cell: CellKey
  readonly reading: PlannedReading
  /** Where sliding windows lie. */
  readonly windows?: 'full' | 'fairseq'
  /** What is read before the text, `bos` by every window: the held-out tokens begin with it. Default none. */
  readonly firstToken?: FirstToken
  /** Held-out tokens to score at most. */
  readonly maxTokens: number
  /** The range that positions are drawn from, if they are. */
  readonly randomPositions?: number | undefined
  /** The positions that it was trained with, where those of the cell are in their place. */
  readonly trainedWith?: string | undefined
}

/** Evaluates a model on the start of the held-out text: the whole, and by place in the sequence. */
export async function evaluateModel(
  model: Model,
  { tokens: valid, byteEnds }: Located,
  {
    cell,
    reading,
    windows = 'full',
    firstToken = 'none',
    maxTokens,
    randomPositions: range,
    trainedWith,
  }: EvaluationRequest,
  { progress, signal, replicas }: EvaluationWork,
): Promise<{ readonly whole: EvalLine; readonly positions: PositionsLine }> {
  progress.start(cellName(cell), `at ${describeReading(reading)}`, maxTokens)
  const started = performance.now()
  const { byPlace, attentionNames, ...found } = await evaluate(model, valid, {
    ...reading,
    windows,
    maxTokens,
    // The text begins with it.
    ...(firstToken === 'bos' && { firstToken: valid[0]! }),
    ...(range !== undefined && {
      positions: (batch: number, length: number) => randomPositions(length, range, cell.seed, batch),
    }),
    signal,
    replicas,
    onFallback: (reason) => progress.line(`evaluation runs op by op: ${reason}`),
    onProgress: (done, total, soFar) => {
      const rate = (1000 * done) / (performance.now() - started)
      progress.update((done / total) * maxTokens, [
        `perplexity ${formatMean(Math.exp(soFar))}`,
        `${thousands(rate)} tok/s`,
      ])
    },
  })
  const { tokens, lossNats, perplexity, tokensPerSecond, peakBytes } = found
  // Scored: those after the first, which nothing predicts.
  const bytes = byteEnds[tokens]! - byteEnds[0]!
  const bitsPerByte = (lossNats * tokens) / Math.LN2 / bytes
  const attention = [...new Set(attentionNames)].join('+')
  const measured = { tokens, lossNats, perplexity, bitsPerByte, tokensPerSecond, peakBytes, attention }
  return {
    whole: {
      type: 'eval',
      ...cell,
      ...(trainedWith !== undefined && { trainedWith }),
      ...reading,
      ...(reading.protocol === 'sliding' && { windows }),
      firstToken,
      ...measured,
    },
    positions: { type: 'positions', ...cell, ...reading, bins: placeBins(byPlace, cell.trainLength) },
  }
}
