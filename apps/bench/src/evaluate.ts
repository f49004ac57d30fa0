import { type EvaluateOptions, evaluate, type Model } from '@alibi/transformer'
import type { Corpus } from './data/corpus.js'
import { type Progress, thousands } from './progress.js'
import type { CellKey, EvalLine } from './results/schema.js'

export interface EvaluationRequest extends CellKey, Pick<EvaluateOptions, 'evalLength' | 'protocol' | 'stride'> {
  /** Held-out tokens to score at most. */
  readonly maxTokens: number
}

/** Evaluates a model on the start of the held-out text, as a line of results. */
export async function evaluateModel(
  model: Model,
  { valid, bytesPerToken }: Corpus,
  { strategy, trainLength, seed, size, ...request }: EvaluationRequest,
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<EvalLine> {
  const { evalLength, protocol = 'nonoverlapping', stride } = request
  progress.start(`evaluate ${strategy}-seed${seed} at ${evalLength}`, request.maxTokens)
  const started = performance.now()
  const result = await evaluate(model, valid, {
    ...request,
    signal,
    onProgress: (done, total) => {
      const rate = (1000 * done) / (performance.now() - started)
      progress.update((done / total) * request.maxTokens, `${thousands(rate)} tok/s`)
    },
  })
  return {
    type: 'eval',
    strategy,
    trainLength,
    seed,
    size,
    evalLength,
    protocol,
    stride: protocol === 'nonoverlapping' ? evalLength : (stride ?? Math.max(1, evalLength >> 1)),
    tokens: result.tokens,
    lossNats: result.lossNats,
    perplexity: result.perplexity,
    bitsPerByte: result.lossNats / Math.LN2 / bytesPerToken,
    tokensPerSecond: result.tokensPerSecond,
    peakBytes: result.peakBytes,
  }
}
