// Letters: D modelDim.
import { positionRange } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { ForwardOptions } from '../model/forward-options.js'
import type { Model } from '../model/model.js'
import { flatten } from '../model/tokens.js'
import type { KvCache } from './kv-cache.js'
import type { Window } from './windows.js'

/** Elements of logits made at a time, 64 MiB: large vocabularies are scored in parts. */
const LOGITS_AT_A_TIME = 2 ** 24

/** @returns the loss of each scored token of windows of one shape, in order */
export function scoreWindows(
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
