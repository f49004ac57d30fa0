// Letters: L evalLength.
import { type CellKey, cellName, type EvalLine, formatMean, type PositionsLine, type Reading } from '@alibi/results'
import { attentionNames, type Model } from '@alibi/transformer'
import type { Located } from '../data/tokenizer/tokenizer.js'
import { thousands } from '../terminal/format.js'
import { answeredBatches, BATCH_TOKENS } from './answered-batches.js'
import { placeBins } from './loss-by-position.js'
import type { EvaluationWork } from './work.js'

export interface DocumentsRequest {
  readonly cell: CellKey
  /** Windows of each document, which do not overlap. */
  readonly reading: Reading
  /** The token that begins each document. */
  readonly documentMark: number
  /** Held-out tokens to score at most. */
  readonly maxTokens: number
  /** The positions that the model was trained with, where those of the cell are in their place. */
  readonly trainedWith?: string | undefined
}

/** A stretch of a document: tokens [start, end] of the text, of which all but the first are scored. */
interface Stretch {
  readonly start: number
  readonly end: number
}

/**
 * Evaluates a model on held-out documents, each by itself: cut into windows of L from its own start, and every token but its
 * mark scored. What a window reads is of one document.
 *
 * @param text - documents one after another, each with its mark before it
 * @throws RangeError, one line, for text without a document that has a token to score
 */
export async function evaluateDocuments(
  model: Model,
  { tokens, byteEnds }: Located,
  { cell, reading, documentMark, maxTokens, trainedWith }: DocumentsRequest,
  work: EvaluationWork,
): Promise<{ readonly whole: EvalLine; readonly positions: PositionsLine }> {
  const { evalLength } = reading
  const { progress } = work
  const stretches = stretchesOf(tokens, documentMark, evalLength, maxTokens)
  if (!stretches.length) throw new RangeError('eval: expected documents of at least one token, got none held out')
  const total = stretches.reduce((sum, { start, end }) => sum + end - start, 0)
  const bytes = stretches.reduce((sum, { start, end }) => sum + byteEnds[end]! - byteEnds[start]!, 0)
  const byPlace = { lossNats: new Float64Array(evalLength), tokens: new Float64Array(evalLength) }
  const started = performance.now()
  let [sum, count] = [0, 0]
  progress.start(cellName(cell), `documents at ${evalLength}`, total)
  const batches = alikeTogether(stretches).map((batch) =>
    batch.map(({ start, end }) => ({ tokens: tokens.subarray(start, end + 1), answerLength: end - start })),
  )
  for await (const scores of answeredBatches(model, batches, work)) {
    for (const { lossNats } of scores)
      lossNats.forEach((loss, place) => {
        byPlace.lossNats[place]! += loss
        byPlace.tokens[place]! += 1
        sum += loss
        count += 1
      })
    const rate = (1000 * count) / (performance.now() - started)
    progress.update(count, [`perplexity ${formatMean(Math.exp(sum / count))}`, `${thousands(rate)} tok/s`])
  }
  const lossNats = sum / count
  const longest = Math.max(...stretches.slice(0, BATCH_TOKENS).map(({ start, end }) => end - start))
  return {
    whole: {
      ...{ type: 'eval', ...cell, ...(trainedWith !== undefined && { trainedWith }), ...reading },
      documents: documentsIn(tokens, stretches, documentMark),
      ...{ tokens: count, lossNats, perplexity: Math.exp(lossNats), bitsPerByte: sum / Math.LN2 / bytes },
      tokensPerSecond: (1000 * count) / (performance.now() - started),
      attention: [...new Set(attentionNames(model, { batchSize: 1, length: longest }))].join('+'),
    },
    positions: { type: 'positions', ...cell, ...reading, bins: placeBins(byPlace, cell.trainLength) },
  }
}

/** Windows of each document, up to so many scored tokens. */
function stretchesOf(tokens: Int32Array, mark: number, evalLength: number, maxTokens: number): Stretch[] {
  const stretches: Stretch[] = []
  let left = maxTokens
  for (let start = 0; start + 1 < tokens.length && left > 0; ) {
    const next = tokens.indexOf(mark, start + 1)
    const last = (next < 0 ? tokens.length : next) - 1
    for (let from = start; from < last && left > 0; from += evalLength) {
      const end = Math.min(from + evalLength, last, from + left)
      stretches.push({ start: from, end })
      left -= end - from
    }
    start = last + 1
  }
  return stretches
}

/** Stretches of about the same length together: shorter ones are filled up. */
function alikeTogether(stretches: readonly Stretch[]): (readonly Stretch[])[] {
  const length = ({ start, end }: Stretch) => end - start
  const longestFirst = [...stretches].sort((a, b) => length(b) - length(a) || a.start - b.start)
  const batches: Stretch[][] = []
  for (let i = 0; i < longestFirst.length; i += batches.at(-1)!.length)
    batches.push(longestFirst.slice(i, i + Math.max(1, Math.floor(BATCH_TOKENS / length(longestFirst[i]!)))))
  return batches
}

const documentsIn = (tokens: Int32Array, stretches: readonly Stretch[], mark: number) =>
  stretches.filter(({ start }, i) => i === 0 || tokens[start] === mark).length
