// Letters: L evalLength, S stride, D modelDim, V vocabularySize.
import { checkInteger, checkOneOf, positionRange } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type ForwardOptions, flatten, type Model } from '../model/model.js'
import { createKvCache, type KvCache } from './kv-cache.js'
import { createTurns } from './yield-to-host.js'

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

/** A sequence to read, and where the scored tokens begin in it. */
interface Window {
  readonly start: number
  readonly end: number
  readonly scoreFrom: number
}

/**
 * Reads `tokens` in sequences of `evalLength` and scores each token once.
 *
 * @throws RangeError for options that make no evaluation; the signal's reason when aborted
 */
export async function evaluate(model: Model, tokens: Int32Array, options: EvaluateOptions): Promise<Evaluation> {
  const { evalLength, batchTokens = 4096, positions, onProgress, signal } = options
  const { attentionWindow, skipTolerance, attentionStorage } = options
  checkInteger('evaluate', 'evalLength', evalLength, 1)
  if (tokens.length < 2) throw new RangeError(`evaluate: expected at least 2 tokens, got ${tokens.length}`)
  if (positions && options.protocol === 'streaming')
    throw new TypeError('evaluate: expected no positions when streaming, got a function; leave it out')
  const windows = evaluationWindows(tokens.length - 1, options)
  const streaming = options.protocol === 'streaming' ? createKvCache() : undefined
  const total = windows.at(-1)!.end
  const rowsPerBatch = streaming ? 1 : Math.max(1, Math.floor(batchTokens / evalLength))

  const started = performance.now()
  let [sum, count, peakBytes] = [0, 0, 0]
  const byPlace = { lossNats: new Float64Array(evalLength), tokens: new Float64Array(evalLength) }
  const turn = createTurns()
  for (let [i, batches] = [0, 0]; i < windows.length; batches++) {
    await turn()
    signal?.throwIfAborted()
    const batch = windows.slice(i, i + rowsPerBatch).filter((w) => sameShape(w, windows[i]!))
    const score = () =>
      streaming
        ? scoreNext(model, tokens, batch[0]!, { cache: streaming, attentionWindow, skipTolerance, attentionStorage })
        : scoreWindows(model, tokens, batch, {
            attentionWindow,
            skipTolerance,
            attentionStorage,
            ...(positions && { positions: positions(batches, batch[0]!.end - batch[0]!.start) }),
          })
    let losses: tf.Tensor1D | undefined
    if (i === 0) {
      const profile = await tf.profile(() => {
        // TensorFlow.js keeps a record of every kernel, and overflows the stack over those of a long text.
        tf.engine().state.activeProfile.kernels = new LargestKernel()
        losses = score()
        return losses
      })
      peakBytes = profile.peakBytes
    } else losses = score()
    const values = await losses!.data()
    losses!.dispose()
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
  streaming?.dispose()
  const lossNats = sum / count
  const seconds = (performance.now() - started) / 1000
  const tokensPerSecond = count / seconds
  return { tokens: count, lossNats, perplexity: Math.exp(lossNats), byPlace, tokensPerSecond, peakBytes }
}

type KernelInfo = Awaited<ReturnType<typeof tf.profile>>['kernels'][number]

/** A list that keeps what was pushed while tensors held the most. */
class LargestKernel extends Array<KernelInfo> {
  override push(kernel: KernelInfo): number {
    if (!(this[0] && this[0].totalBytesSnapshot >= kernel.totalBytesSnapshot)) this[0] = kernel
    return 1
  }
}

/** Windows over targets 0 … numTargets − 1: window [start, end) reads those tokens and predicts the one after each. */
function evaluationWindows(
  numTargets: number,
  { evalLength, protocol = 'nonoverlapping', stride, windows: layout = 'full', maxTokens = Infinity }: EvaluateOptions,
): Window[] {
  checkOneOf('evaluate', 'protocol', protocol, ['nonoverlapping', 'sliding', 'streaming'])
  checkOneOf('evaluate', 'windows', layout, ['full', 'fairseq'])
  if (layout === 'fairseq' && protocol === 'streaming')
    throw new RangeError('evaluate: expected windows full when streaming, got fairseq; take sliding')
  const advance = protocol === 'nonoverlapping' ? evalLength : (stride ?? Math.max(1, evalLength >> 1))
  checkInteger('evaluate', 'stride', advance, 1)
  if (advance > evalLength)
    throw new RangeError(
      `evaluate: expected stride ≤ evalLength, got ${advance} > ${evalLength}; no token may be skipped`,
    )
  const total = Math.min(numTargets, maxTokens)
  // Tokens read again, and what the windows that begin at the start of the text score together.
  const context = evalLength - advance
  const first = layout === 'fairseq' ? (Math.floor(context / advance) + 1) * advance : evalLength
  const windows: Window[] = [{ start: 0, end: Math.min(first, total), scoreFrom: 0 }]
  for (let scored = first; scored < total; scored += advance) {
    const end = Math.min(scored + advance, total)
    const start = layout === 'fairseq' || protocol === 'nonoverlapping' ? scored - context : end - evalLength
    windows.push({ start, end, scoreFrom: scored - start })
  }
  return windows
}

const sameShape = (a: Window, b: Window) => a.end - a.start === b.end - b.start && a.scoreFrom === b.scoreFrom

/** Elements of logits made at a time, 64 MiB: large vocabularies are scored in parts. */
const LOGITS_AT_A_TIME = 2 ** 24

/** @returns the loss of each scored token, in order */
function scoreWindows(
  model: Model,
  tokens: Int32Array,
  windows: readonly Window[],
  options: ForwardOptions,
): tf.Tensor1D {
  return tf.tidy(() => {
    const { start, end, scoreFrom } = windows[0]!
    const hidden = model.forward(
      windows.map((w) => tokens.subarray(w.start, w.end)),
      options,
    )
    const byWindow = tf.reshape(hidden, [windows.length, end - start, -1])
    const scored = tf.slice(byWindow, [0, scoreFrom, 0])
    return lossesOf(model, scored, flatten(windows.map((w) => tokens.subarray(w.start + scoreFrom + 1, w.end + 1))))
  })
}

/** The same for a window whose unscored tokens are in the cache; their places in the text are their positions. */
function scoreNext(
  model: Model,
  tokens: Int32Array,
  { start, end, scoreFrom }: Window,
  options: ForwardOptions & { readonly cache: KvCache },
): tf.Tensor1D {
  const { cache } = options
  cache.keepLast(Math.min(cache.pastLength, scoreFrom))
  const from = start + scoreFrom
  const positions = positionRange(from - cache.pastLength, cache.pastLength + end - from)
  return tf.tidy(() => {
    const hidden = model.forward([tokens.subarray(from, end)], { ...options, positions })
    return lossesOf(model, hidden, tokens.subarray(from + 1, end + 1))
  })
}

/**
 * @param hidden - shape [..., D]
 * @param targets - as many as there are rows
 */
function lossesOf({ config, vocabulary }: Model, hidden: tf.Tensor, targets: Int32Array): tf.Tensor1D {
  const D = config.modelDim
  const rows = tf.reshape(hidden, [-1, D]) as tf.Tensor2D
  const ids = (list: Int32Array) => tf.tensor1d(list, 'int32')
  const atATime = Math.max(1, Math.floor(LOGITS_AT_A_TIME / vocabulary.headSize))
  const parts: tf.Tensor1D[] = []
  for (let from = 0; from < targets.length; from += atATime) {
    const part = targets.subarray(from, from + atATime)
    parts.push(
      tf.tidy(() =>
        vocabulary.losses(tf.slice(rows, [from, 0], [part.length, D]), ids(part), vocabulary.tailPlaces(part).map(ids)),
      ),
    )
  }
  return parts.length === 1 ? parts[0]! : tf.concat1d(parts)
}
