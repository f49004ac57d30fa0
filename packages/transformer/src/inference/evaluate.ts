// Letters: L evalLength.
import { checkInteger, checkOptions, fail, type PositionStrategy } from '@alibi/core'
import { ATTENTION_SETTINGS } from '../model/attention-settings.js'
import { checkCausal, checkModel } from '../model/check-model.js'
import type { Model } from '../model/model.js'
import { checkTokens } from '../model/tokens.js'
import type { EvaluateOptions } from './evaluate-options.js'
import { checkEvaluationReplicas } from './evaluation-replicas.js'
import { scoreBatches } from './score-batches.js'
import { createScorer } from './scorer.js'
import { createStreamScorer } from './stream-scorer.js'
import { evaluationWindows, sameShape, type Window } from './windows.js'

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
  /** Most bytes that tensors held at once in the first batch; 0 on all replicas but the first, which reads it. */
  readonly peakBytes: number
  /** The kernel of each layer's attention in the first batch. */
  readonly attentionNames: readonly string[]
}

/**
 * Reads `tokens` in sequences of `evalLength` and scores each token once. A model whose weights are not finite has a loss of
 * NaN.
 *
 * @throws RangeError or TypeError for options that make no evaluation; the signal's reason when aborted; what another replica
 * has ended by, as `scoreBatches` says it
 */
export async function evaluate(model: Model, tokens: Int32Array, options: EvaluateOptions): Promise<Evaluation> {
  checkEvaluation(model, tokens, options)
  const { evalLength, batchTokens = 4096, replicas, onProgress, signal } = options
  const windows = evaluationWindows(tokens.length - 1, options)
  const streams = options.protocol === 'streaming'
  const total = windows.at(-1)!.end
  const rows = streams ? 1 : Math.max(1, Math.floor(batchTokens / evalLength))
  const batches = batchesOf(windows, rows)
  const byPlace = { lossNats: new Float64Array(evalLength), tokens: new Float64Array(evalLength) }
  const scorer = streams
    ? createStreamScorer(model, tokens, options)
    : createScorer(model, tokens, windows, rows, options)
  const attentionNames = scorer.attentionNames(batches[0]!)
  const started = performance.now()
  let sum = 0
  let count = 0
  let peakBytes = 0
  const scored = scoreBatches(batches, {
    size: ([first]) => first!.end - first!.start - first!.scoreFrom,
    async score(batch, number) {
      const { sums, ...measured } = await scorer.score(batch, number)
      if (number === 0) peakBytes = measured.peakBytes
      return sums
    },
    replicas,
    signal,
  })
  try {
    // In the order of the text, whoever has scored them: sums are the same for any number of replicas.
    for await (const { batch, numbers } of scored) {
      const { scoreFrom } = batch[0]!
      numbers.forEach((value, place) => {
        byPlace.lossNats[scoreFrom + place]! += value
        byPlace.tokens[scoreFrom + place]! += batch.length
        sum += value
      })
      count += numbers.length * batch.length
      onProgress?.(count, total, sum / count)
    }
  } finally {
    scorer.dispose()
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
    attentionNames,
  }
}

/** Windows of one shape, up to so many, are read together. */
function batchesOf(windows: readonly Window[], rows: number): Window[][] {
  const batches: Window[][] = []
  for (const window of windows) {
    const last = batches.at(-1)
    if (last && last.length < rows && sameShape(last[0]!, window)) last.push(window)
    else batches.push([window])
  }
  return batches
}

function checkEvaluation(model: Model, tokens: Int32Array, options: EvaluateOptions): void {
  checkModel('evaluate', model)
  checkCausal('evaluate', model)
  checkTokens('evaluate', tokens, model.config.vocabularySize)
  checkOptions('evaluate', options, OPTIONS)
  checkInteger('evaluate', 'evalLength', options.evalLength, 1)
  if (options.batchTokens !== undefined) checkInteger('evaluate', 'batchTokens', options.batchTokens, 1)
  if (options.compile !== undefined && typeof options.compile !== 'boolean')
    fail('evaluate', 'compile as true or false', options.compile, TypeError)
  if (tokens.length < 2) fail('evaluate', 'at least 2 tokens', tokens.length)
  if (options.positions !== undefined && typeof options.positions !== 'function')
    fail('evaluate', 'positions as a function', options.positions, TypeError)
  if (options.positions && options.protocol === 'streaming')
    fail('evaluate', 'no positions when streaming', 'a function; leave it out', TypeError)
  const { firstToken, replicas } = options
  if (replicas) checkEvaluationReplicas('evaluate', replicas)
  if (replicas && options.protocol === 'streaming')
    fail(
      'evaluate',
      'no replicas when streaming, where each window reads what is cached of others',
      'some; leave them out',
    )
  if (firstToken !== undefined) checkTokens('evaluate', Int32Array.of(firstToken), model.config.vocabularySize)
  if (firstToken !== undefined && options.protocol === 'streaming')
    fail('evaluate', 'no firstToken when streaming', `${firstToken}; leave it out`, TypeError)
  const { strategy } = model
  if (options.protocol === 'streaming' && seesFirstTokens(strategy))
    fail(
      'evaluate',
      `protocol nonoverlapping or sliding with ${strategy.name}, which sees first tokens`,
      'streaming, whose cache drops them',
    )
}

const seesFirstTokens = ({ visibility, layers = [] }: PositionStrategy): boolean =>
  Boolean(visibility?.sinks) || layers.some(seesFirstTokens)

// biome-ignore format: a table
const OPTIONS: readonly (keyof EvaluateOptions)[] = [
  'evalLength', 'protocol', 'stride', 'windows', 'attentionWindow', 'skipTolerance', 'positions', 'firstToken', 'maxTokens',
  'batchTokens', 'compile', 'replicas', 'onProgress', 'onFallback', 'signal', ...ATTENTION_SETTINGS,
]
