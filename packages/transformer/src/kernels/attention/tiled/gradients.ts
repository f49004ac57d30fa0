// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias, Tile } from '../bias.js'
import type { AttentionInputs } from '../kernel.js'
import { penalties, sumDiagonals } from './bias-tile.js'
import { attendTile, join } from './tile.js'

/**
 * Gradients of q, k, v and of a trained bias, tile by tile.
 *
 * @param trained - names of the bias's trained tensors: `slopes`, `table`, or the index of each tile
 * @returns by name
 */
export function attentionGradients(
  dy: tf.Tensor4D,
  output: tf.Tensor4D,
  inputs: AttentionInputs,
  tiles: readonly Tile[],
  trained: readonly string[],
) {
  const { bias, gate } = inputs
  const [B, H, , headDim] = inputs.q.shape
  const K = inputs.k.shape[2]
  // Σ probability · dProbability of each row, without the keys (FlashAttention, algorithm 4, D).
  const along = tf.sum(tf.mul(dy, output), 3, true)
  const dk = sumOfPrefixes(B, H, headDim)
  const dv = sumOfPrefixes(B, H, headDim)
  const dq: tf.Tensor[] = []
  const dBias: tf.Tensor[] = []
  const dGate: tf.Tensor[] = []
  // From the last, which has all keys, to the first.
  for (const tile of [...tiles].reverse()) {
    const part = tf.tidy(() => {
      const { dScores, dv, keys, queries } = tileGradients(dy, along, inputs, tile)
      return {
        dq: tf.mul(tf.matMul(dScores, keys), 1 / Math.sqrt(headDim)),
        dk: fromFirst(tf.matMul(dScores, queries, true, false), tile),
        dv: fromFirst(dv, tile),
        dBias: trained.length ? biasGradient(bias, dScores as tf.Tensor4D, tile, K) : undefined,
        dGate: gate && gateGradient(dScores as tf.Tensor4D, tile, K),
      }
    })
    dq.unshift(part.dq)
    dk.add(part.dk)
    dv.add(part.dv)
    if (part.dBias) dBias.unshift(part.dBias)
    if (part.dGate) dGate.push(part.dGate)
  }
  const ofBias = trained.length && bias.kind !== 'tiles' ? [tf.addN(dBias)] : dBias
  return {
    q: join(dq),
    k: dk.finish(),
    v: dv.finish(),
    ...(gate && { gate: tf.addN(dGate) }),
    ...Object.fromEntries(trained.map((name, i) => [name, ofBias[i]!])),
  }
}

/** The gradients of one tile's scores and values. */
function tileGradients(dy: tf.Tensor4D, along: tf.Tensor, inputs: AttentionInputs, tile: Tile) {
  const [B, H, , headDim] = dy.shape
  const { queries, keys, values, probabilities, kept, weights } = attendTile(inputs, tile)
  const rows = tile.end - tile.start
  const d = tf.slice(dy, [0, 0, tile.start, 0], [B, H, rows, headDim])
  const dWeights = tf.matMul(d, values, false, true)
  const dProbabilities = kept ? tf.mul(dWeights, kept) : dWeights
  const ownAlong = tf.slice(along, [0, 0, tile.start, 0], [B, H, rows, 1])
  const dScores = tf.mul(probabilities, tf.sub(dProbabilities, ownAlong))
  return { dScores, queries, keys, dv: tf.matMul(weights, d, true, false) }
}

/** Adds [B, H, n, headDim] with n that only shrinks, each to the first n rows; memory and work of one such sum. */
function sumOfPrefixes(B: number, H: number, headDim: number) {
  const finished: tf.Tensor[] = []
  let sum: tf.Tensor | undefined
  return {
    add(x: tf.Tensor) {
      const n = x.shape[2]!
      if (!sum) sum = x
      else {
        const rows = sum.shape[2]!
        if (rows > n) finished.unshift(tf.slice(sum, [0, 0, n, 0], [B, H, rows - n, headDim]))
        const before = sum
        sum = tf.tidy(() => tf.add(tf.slice(before, [0, 0, 0, 0], [B, H, n, headDim]), x))
        tf.dispose([before, x])
      }
    },
    finish: () => join([sum!, ...finished]),
  }
}

/** Rows of zeros for the keys that a tile leaves out in front. */
function fromFirst(x: tf.Tensor, { firstKey = 0 }: Tile): tf.Tensor {
  if (!firstKey) return x
  return tf.pad(x, [
    [0, 0],
    [0, 0],
    [firstKey, 0],
    [0, 0],
  ])
}

/**
 * The gradient of the running sums: a score subtracts its key's. What it adds of its query's has none, as the scores' gradients
 * of a softmax sum to 0 along a row; [B, H, K].
 */
function gateGradient(dScores: tf.Tensor4D, { firstKey = 0, numKeys }: Tile, K: number): tf.Tensor {
  return tf.pad(tf.neg(tf.sum(dScores, 2)), [
    [0, 0],
    [0, 0],
    [firstKey, K - numKeys],
  ])
}

/** @param byHead - [B, H, queries, keys] */
function biasGradient(bias: AttentionBias, byHead: tf.Tensor4D, tile: Tile, K: number): tf.Tensor {
  if (bias.kind === 'tiles' && bias.byRow) return byHead
  const dScores = tf.sum(byHead, 0)
  if (bias.kind === 'linear') return tf.sum(tf.mul(dScores, penalties(bias.queries, bias.keys, tile)), [1, 2])
  return bias.kind === 'table' ? sumDiagonals(dScores as tf.Tensor3D, tile, K) : dScores
}
