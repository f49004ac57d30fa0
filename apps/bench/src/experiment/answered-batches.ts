import { type AnsweredText, type AnswerScore, type Model, scoreAnswers, scoreBatches } from '@alibi/transformer'
import type { EvaluationWork } from './work.js'

/** Tokens read in one forward pass, as in the evaluation of plain text. */
export const BATCH_TOKENS = 4096
/** Batches of one shape from which on a graph pays, which takes as long to make as some passes op by op. */
const WORTH = 3

type Batch = readonly AnsweredText[]

/** Texts of up to so many tokens, as many together as a pass reads. */
export function batchesOf<T>(texts: readonly T[], length: number): T[][] {
  const atATime = Math.max(1, Math.floor(BATCH_TOKENS / length))
  return Array.from({ length: Math.ceil(texts.length / atATime) }, (_, i) =>
    texts.slice(i * atATime, (i + 1) * atATime),
  )
}

/**
 * Scores answers batch by batch, over replicas where there are some. A graph rounds otherwise than its ops one by one: which of them
 * computes a batch follows from the batches alone, so that it is the same for any number of replicas.
 */
export async function* answeredBatches(
  model: Model,
  batches: readonly Batch[],
  { progress, signal, replicas }: EvaluationWork,
): AsyncGenerator<AnswerScore[], void, undefined> {
  const counts = new Map<string, number>()
  for (const batch of batches) counts.set(shapeOf(batch), (counts.get(shapeOf(batch)) ?? 0) + 1)
  const onFallback = (reason: string) => progress.line(`evaluation runs op by op: ${reason}`)
  const scored = scoreBatches(batches, {
    size: (batch) => 2 * answerTokens(batch),
    async score(batch) {
      const scores = await scoreAnswers(model, batch, { compile: counts.get(shapeOf(batch))! >= WORTH, onFallback })
      return scores.flatMap(({ lossNats, firstChoices }) => [...lossNats, ...firstChoices])
    },
    signal,
    replicas,
  })
  for await (const { batch, numbers } of scored) yield scoresOf(batch, numbers)
}

const answerTokens = (batch: Batch) => batch.reduce((sum, { answerLength }) => sum + answerLength, 0)

/** Of the arrays that a pass reads. */
const shapeOf = (batch: Batch) =>
  [batch.length, Math.max(...batch.map(({ tokens }) => tokens.length)), answerTokens(batch)].join()

/** Losses and first choices of one text after the other. */
function scoresOf(batch: Batch, numbers: Float64Array): AnswerScore[] {
  let from = 0
  const next = (length: number) => {
    from += length
    return numbers.subarray(from - length, from)
  }
  return batch.map(({ answerLength }) => ({
    lossNats: Float32Array.from(next(answerLength)),
    firstChoices: Uint8Array.from(next(answerLength)),
  }))
}
