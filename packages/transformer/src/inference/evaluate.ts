// Letters: L evalLength.
import { checkInteger, checkOptions, fail } from '@alibi/core'
import type * as tf from '@tensorflow/tfjs'
import { attentionNames } from '../model/attention-names.js'
import { ATTENTION_SETTINGS, attentionSettings } from '../model/attention-settings.js'
import { checkCausal, checkModel } from '../model/check-model.js'
import type { Model } from '../model/model.js'
import { checkTokens } from '../model/tokens.js'
import type { EvaluateOptions } from './evaluate-options.js'
import { createKvCache, type KvCache } from './kv-cache.js'
import { scoreNext, scoreWindows } from './losses.js'
import { withPeakBytes } from './peak-memory.js'
import { evaluationWindows, sameShape, type Window } from './windows.js'
import { createYielder } from './yield-to-host.js'

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
  /** The kernel of each layer's attention in the first batch. */
  readonly attentionNames: readonly string[]
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
  const names = namesOf(model, batchFrom(windows, 0, rowsPerBatch), options)
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
      const batch = batchFrom(windows, i, rowsPerBatch)
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
  return {
    tokens: count,
    lossNats,
    perplexity: Math.exp(lossNats),
    byPlace,
    tokensPerSecond,
    peakBytes,
    attentionNames: names,
  }
}

/** Windows of one shape, which are read together. */
const batchFrom = (windows: readonly Window[], first: number, rows: number) =>
  windows.slice(first, first + rows).filter((window) => sameShape(window, windows[first]!))

/** The kernels of a batch that begins a text: no cache has anything yet. */
function namesOf(model: Model, batch: readonly Window[], options: EvaluateOptions): readonly string[] {
  const { attentionWindow, positions } = options
  const length = batch[0]!.end - batch[0]!.start
  const pass = { batchSize: batch.length, length, positions: positions?.(0, length), attentionWindow }
  return attentionNames(model, { ...attentionSettings(options), ...pass })
}

function checkEvaluation(model: Model, tokens: Int32Array, options: EvaluateOptions): void {
  checkModel('evaluate', model)
  checkCausal('evaluate', model)
  checkTokens('evaluate', tokens, model.config.vocabularySize)
  checkOptions('evaluate', options, OPTIONS)
  checkInteger('evaluate', 'evalLength', options.evalLength, 1)
  if (options.batchTokens !== undefined) checkInteger('evaluate', 'batchTokens', options.batchTokens, 1)
  if (tokens.length < 2) fail('evaluate', 'at least 2 tokens', tokens.length)
  if (options.positions !== undefined && typeof options.positions !== 'function')
    fail('evaluate', 'positions as a function', options.positions, TypeError)
  if (options.positions && options.protocol === 'streaming')
    fail('evaluate', 'no positions when streaming', 'a function; leave it out', TypeError)
}

// biome-ignore format: a table
const OPTIONS: readonly (keyof EvaluateOptions)[] = [
  'evalLength', 'protocol', 'stride', 'windows', 'attentionWindow', 'skipTolerance', 'positions', 'maxTokens',
  'batchTokens', 'onProgress', 'signal', ...ATTENTION_SETTINGS,
]

/** @returns the losses of a batch's scored tokens, in order; a streaming window alone with its cache */
function lossesOfBatch(
  model: Model,
  tokens: Int32Array,
  batch: readonly Window[],
  evaluateOptions: EvaluateOptions,
  { cache, batches }: { readonly cache: KvCache | undefined; readonly batches: number },
): tf.Tensor1D {
  const first = batch[0]!
  const { attentionWindow, skipTolerance, positions } = evaluateOptions
  const options = { attentionWindow, skipTolerance, ...attentionSettings(evaluateOptions) }
  if (cache) return scoreNext(model, tokens, first, { ...options, cache })
  return scoreWindows(model, tokens, batch, {
    ...options,
    ...(positions && { positions: positions(batches, first.end - first.start) }),
  })
}
