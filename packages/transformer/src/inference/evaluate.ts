// Letters: L evalLength.
import { checkInteger, checkOptions, fail } from '@alibi/core'
import type * as tf from '@tensorflow/tfjs'
import { checkModel } from '../model/check-model.js'
import type { ForwardOptions, Model } from '../model/model.js'
import { checkTokens } from '../model/tokens.js'
import { createKvCache, type KvCache } from './kv-cache.js'
import { scoreNext, scoreWindows } from './losses.js'
import { withPeakBytes } from './peak-memory.js'
import { evaluationWindows, sameShape, type Window } from './windows.js'
import { createYielder } from './yield-to-host.js'

/** What {@link evaluate} takes besides a model and tokens. */
export interface EvaluateOptions {
  /** L, the length of each sequence the model reads; the paper's L_valid. */
  readonly evalLength: number
  /**
   * `nonoverlapping` cuts the text into chunks of L and scores every token; `sliding` advances by `stride`, reads the
   * L − stride tokens before again and scores only the new ones (the paper, appendix B); `streaming` keeps the keys and
   * values of those tokens in a cache instead. It is much cheaper than sliding and another thing: in deeper layers what is
   * cached saw more than L tokens back, and positions go on counting. Default `nonoverlapping`.
   */
  readonly protocol?: 'nonoverlapping' | 'sliding' | 'streaming'
  /** Tokens that a sliding or streaming window advances by. Default L / 2. */
  readonly stride?: number
  /**
   * Where sliding windows lie. `full`: the first scores L tokens, the others lie so that they are full. `fairseq`: scored
   * stretches begin at multiples of the stride, and each reads up to L − stride tokens before, as fairseq-eval-lm with a
   * context window; the same for a stride of 1. Default `full`.
   */
  readonly windows?: 'full' | 'fairseq' | undefined
  /** Limits each query to the last so many keys: a control of what reading further back is worth. Default all. */
  readonly attentionWindow?: number | undefined
  /**
   * Share of attention weight that may be left out of each row, in sequences long enough for it. Default 0: keys are left
   * out only where their weight is zero in fp32, which changes nothing.
   */
  readonly skipTolerance?: number | undefined
  /** As in {@link ForwardOptions}. Default 'float32'. */
  readonly attentionStorage?: ForwardOptions['attentionStorage']
  /**
   * Where a batch's tokens are, by the batch's number and the length of its sequences, ascending. Default 0 to length − 1.
   * Not when streaming, where a token's place in the text is its position.
   */
  readonly positions?: ((batch: number, length: number) => Int32Array) | undefined
  /** Tokens to score at most. Default all. */
  readonly maxTokens?: number
  /** Tokens read in one forward pass, at least one sequence. Default 4096. */
  readonly batchTokens?: number
  /** Called after each batch with the tokens scored, the tokens to score and the mean −ln p of those scored. */
  readonly onProgress?: (done: number, total: number, lossNats: number) => void
  /** Stops between batches when it is aborted. */
  readonly signal?: AbortSignal
}

/** What {@link evaluate} finds. */
export interface Evaluation {
  /** Tokens scored. */
  readonly tokens: number
  /** Mean −ln p a token. */
  readonly lossNats: number
  /** exp(lossNats) */
  readonly perplexity: number
  /** The same by place in the sequence: place 0 is the token predicted from the sequence's first alone. */
  readonly byPlace: {
    /** Sum of −ln p; shape [L] */
    readonly lossNats: Float64Array
    /** Tokens scored; shape [L] */
    readonly tokens: Float64Array
  }
  /** Scored tokens a second. */
  readonly tokensPerSecond: number
  /** Most bytes that tensors held at once in the first batch. */
  readonly peakBytes: number
}

/**
 * Reads `tokens` in sequences of `evalLength` and scores each token once. A model whose weights are not finite has a loss of
 * NaN.
 *
 * @throws RangeError or TypeError for options that make no evaluation; the signal's reason when aborted
 */
export async function evaluate(model: Model, tokens: Int32Array, options: EvaluateOptions): Promise<Evaluation> {
  checkEvaluation(model, tokens, options)
  const { evalLength, batchTokens = 4096, onProgress, signal } = options
  const windows = evaluationWindows(tokens.length - 1, options)
  const cache = options.protocol === 'streaming' ? createKvCache() : undefined
  const total = windows.at(-1)!.end
  const rowsPerBatch = cache ? 1 : Math.max(1, Math.floor(batchTokens / evalLength))
  const byPlace = { lossNats: new Float64Array(evalLength), tokens: new Float64Array(evalLength) }
  const yieldToHost = createYielder()
  const started = performance.now()
  let sum = 0
  let count = 0
  let peakBytes = 0
  let batches = 0
  try {
    for (let i = 0; i < windows.length; batches++) {
      await yieldToHost()
      signal?.throwIfAborted()
      const batch = windows.slice(i, i + rowsPerBatch).filter((w) => sameShape(w, windows[i]!))
      const score = () => lossesOfBatch(model, tokens, batch, options, { cache, batches })
      let losses: tf.Tensor1D
      if (batches === 0) ({ result: losses, peakBytes } = await withPeakBytes(score))
      else losses = score()
      const values = await losses.data().finally(() => losses.dispose())
      const { start, end, scoreFrom } = batch[0]!
      values.forEach((value, j) => {
        const place = scoreFrom + (j % (end - start - scoreFrom))
        byPlace.lossNats[place]! += value
        byPlace.tokens[place]! += 1
        sum += value
      })
      count += values.length
      i += batch.length
      onProgress?.(count, total, sum / count)
    }
  } finally {
    cache?.dispose()
  }
  const lossNats = sum / count
  const tokensPerSecond = (1000 * count) / (performance.now() - started)
  return { tokens: count, lossNats, perplexity: Math.exp(lossNats), byPlace, tokensPerSecond, peakBytes }
}

function checkEvaluation(model: Model, tokens: Int32Array, options: EvaluateOptions): void {
  checkModel('evaluate', model)
  checkTokens('evaluate', tokens, model.config.vocabularySize)
  checkOptions('evaluate', options, OPTIONS)
  checkInteger('evaluate', 'evalLength', options.evalLength, 1)
  if (options.batchTokens !== undefined) checkInteger('evaluate', 'batchTokens', options.batchTokens, 1)
  if (tokens.length < 2) fail('evaluate', 'at least 2 tokens', tokens.length)
  if (options.positions && options.protocol === 'streaming')
    fail('evaluate', 'no positions when streaming', 'a function; leave it out', TypeError)
}

// biome-ignore format: a table
const OPTIONS: readonly (keyof EvaluateOptions)[] = [
  'evalLength', 'protocol', 'stride', 'windows', 'attentionWindow', 'skipTolerance', 'attentionStorage', 'positions',
  'maxTokens', 'batchTokens', 'onProgress', 'signal',
]

/** @returns the losses of a batch's scored tokens, in order; a streaming window alone with its cache */
function lossesOfBatch(
  model: Model,
  tokens: Int32Array,
  batch: readonly Window[],
  { attentionWindow, skipTolerance, attentionStorage, positions }: EvaluateOptions,
  { cache, batches }: { readonly cache: KvCache | undefined; readonly batches: number },
): tf.Tensor1D {
  const first = batch[0]!
  const options = { attentionWindow, skipTolerance, attentionStorage }
  if (cache) return scoreNext(model, tokens, first, { ...options, cache })
  return scoreWindows(model, tokens, batch, {
    ...options,
    ...(positions && { positions: positions(batches, first.end - first.start) }),
  })
}
