// Letters: B windows, L tokens of each, S scored tokens of each, N = B·S, D modelDim, R places of targets in a tail.
import { positionRange } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { ForwardOptions } from '../model/forward-options.js'
import type { Model } from '../model/model.js'
import { flatten } from '../model/tokens.js'
import { paddedTailPlaces } from '../model/vocabulary/tail-places.js'
import type { KvCache } from './kv-cache.js'
import type { Window } from './windows.js'

/** Elements of logits made at a time, 64 MiB: large vocabularies are scored in parts. */
const LOGITS_AT_A_TIME = 2 ** 24

/**
 * What {@link placeSums} reads: tokens [B, L], targets [B, S], 1 for each window that counts [B], and the targets' places in
 * the tails of an adaptive softmax.
 *
 * @param windows - of one shape
 * @param rows - B, at least as many as there are windows: the rest is filled and does not count
 * @param firstToken - in place of each window's own
 */
export function scoringInputs(
  model: Model,
  tokens: Int32Array,
  windows: readonly Window[],
  rows = windows.length,
  firstToken?: number,
): tf.Tensor[] {
  const all = Array.from({ length: rows }, (_, i) => windows[i] ?? windows[0]!)
  const counts = all.map((_, i) => Number(i < windows.length))
  const read = all.map(({ start, end }) => tokens.slice(start, end))
  if (firstToken !== undefined) for (const row of read) row[0] = firstToken
  const targets = all.map(({ start, end, scoreFrom }) => tokens.subarray(start + scoreFrom + 1, end + 1))
  const matrix = (part: readonly Int32Array[]) => tf.tensor2d(flatten(part), [rows, part[0]!.length], 'int32')
  return [matrix(read), matrix(targets), tf.tensor1d(counts, 'float32'), ...tailPlaces(model, flatten(targets))]
}

/** @returns the sum of −ln p over the windows, at each scored place; nats; shape [S] */
export function placeSums(model: Model, options: ForwardOptions, inputs: readonly tf.Tensor[]): tf.Tensor1D {
  const [tokens, targets, counts, ...places] = inputs as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, ...tf.Tensor1D[]]
  const [B, L] = tokens.shape
  const S = targets.shape[1]
  const hidden = model.forwardTokens(tf.reshape(tokens, [-1]), B, options)
  const scored = tf.slice(tf.reshape(hidden, [B, L, -1]), [0, L - S, 0])
  const losses = lossesOf(model, scored, tf.reshape(targets, [-1]), places)
  return tf.sum(tf.mul(tf.reshape(losses, [B, S]), tf.expandDims(counts, 1)), 0)
}

/**
 * The losses of a window whose unscored tokens are in the cache; their places in the text are their positions.
 *
 * @returns nats; shape [S]
 */
export function scoreNext(
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
    const targets = tokens.subarray(from + 1, end + 1)
    return lossesOf(model, hidden, tf.tensor1d(targets, 'int32'), tailPlaces(model, targets))
  })
}

/** The parts in which the losses of N targets are made: [from, end) each. */
export function partsOf({ vocabulary }: Model, N: number): (readonly [from: number, end: number])[] {
  const atATime = Math.max(1, Math.floor(LOGITS_AT_A_TIME / vocabulary.headSize))
  return Array.from({ length: Math.ceil(N / atATime) }, (_, i) => [i * atATime, Math.min(N, (i + 1) * atATime)])
}

/** Part by part, one [R] for each tail. */
export const tailPlaces = (model: Model, targets: Int32Array): tf.Tensor1D[] =>
  partsOf(model, targets.length).flatMap(([from, end]) =>
    paddedTailPlaces(model.vocabulary, [targets.subarray(from, end)]).map(([list]) => tf.tensor1d(list!, 'int32')),
  )

/**
 * @param hidden - shape [..., D], with N rows
 * @param targets - [N]
 * @param places - from {@link tailPlaces}
 */
export function lossesOf(
  model: Model,
  hidden: tf.Tensor,
  targets: tf.Tensor1D,
  places: readonly tf.Tensor1D[],
): tf.Tensor1D {
  const D = model.config.modelDim
  const rows = tf.reshape(hidden, [-1, D]) as tf.Tensor2D
  const parts = partsOf(model, targets.size)
  const tails = places.length / parts.length
  const losses = parts.map(([from, end], i) =>
    tf.tidy(() => {
      const size = end - from
      const own = places.slice(i * tails, (i + 1) * tails)
      return model.vocabulary.losses(tf.slice(rows, [from, 0], [size, D]), tf.slice(targets, from, size), own)
    }),
  )
  return losses.length === 1 ? losses[0]! : tf.concat1d(losses)
}
