// Attention as one matrix of scores, whose gradients TensorFlow.js takes; and what can go wrong with it.
import * as tf from '@tensorflow/tfjs'
import type { AttentionBias } from '../src/kernels/attention/bias.js'
import type { AttentionInputs, AttentionKernel } from '../src/kernels/attention/kernel.js'
import type { AttentionProblem } from '../src/kernels/attention/problem.js'

/** Each is one mistake; none: a kernel that is right. */
export interface Mistakes {
  readonly scale?: (headDim: number) => number
  /** The position of the first query among the keys. */
  readonly firstQuery?: (numQueries: number, numKeys: number) => number
  /** Keys that a query may see beyond its own. */
  readonly ahead?: number
  readonly windowBy?: number
  readonly noSinks?: boolean
  readonly gate?: (sums: tf.Tensor) => tf.Tensor
  readonly noPadding?: boolean
  readonly noMaximum?: boolean
  readonly roundPositions?: boolean
  readonly bias?: (bias: tf.Tensor, headDim: number) => tf.Tensor
  readonly dropout?: 'scores' | 'other seed backward' | 'one seed for all layers'
  /** What gets half its gradient. */
  readonly halved?: 'q' | 'k' | 'v' | 'bias' | 'gate'
  readonly lastRows?: number
  readonly disposes?: boolean
  readonly keeps?: boolean
}

export function dense(mistakes: Mistakes = {}): AttentionKernel {
  return {
    name: 'dense',
    takes: [
      ...(['linear bias', 'table bias', 'tile bias', 'trained bias', 'position gaps', 'padding'] as const),
      ...(['window', 'sinks', 'gate', 'dropout'] as const),
    ],
    refuses: () => undefined,
    run: (problem, inputs) => attend(problem, inputs, mistakes),
  }
}

function attend(problem: AttentionProblem, inputs: AttentionInputs, mistakes: Mistakes): tf.Tensor4D {
  const { headDim, numQueries: Q, numKeys: K, window = K, sinks = 0 } = problem
  const { scale = Math.sqrt, firstQuery = (q, k) => k - q, ahead = 0, windowBy = 0, halved } = mistakes
  const [q, k, v] = (['q', 'k', 'v'] as const).map((name) => (halved === name ? half(inputs[name]) : inputs[name]))
  const query = tf.reshape(tf.range(firstQuery(Q, K), firstQuery(Q, K) + Q), [Q, 1])
  const key = tf.reshape(tf.range(0, K), [1, K])
  const distance = tf.sub(query, key)
  const past = tf.relu(tf.sub(distance, window - 1 + windowBy))
  const isFirst = tf.cast(tf.less(key, mistakes.noSinks ? 0 : sinks), 'float32')
  const beyond = tf.add(tf.relu(tf.sub(tf.neg(distance), ahead)), tf.mul(past, tf.sub(1, isFirst)))
  let scores = tf.div(tf.matMul(q!, k!, false, true), scale(headDim))
  const bias = biasMatrix(problem, inputs.bias, mistakes)
  if (bias) scores = tf.add(scores, mistakes.bias ? mistakes.bias(bias, headDim) : bias)
  if (inputs.gate) scores = tf.add(scores, gateMatrix(inputs.gate, Q, mistakes))
  scores = tf.add(scores, tf.mul(beyond, -1e30))
  if (inputs.padding && !mistakes.noPadding) scores = tf.add(scores, tf.mul(inputs.padding, -1e30))
  const weights = mistakes.noMaximum ? plainSoftmax(scores) : tf.softmax(scores)
  const dropped = drop(weights, inputs, mistakes)
  const output = tf.matMul(dropped, v!) as tf.Tensor4D
  if (mistakes.keeps) tf.keep(tf.scalar(0))
  if (mistakes.disposes) inputs.q.dispose()
  return mistakes.lastRows ? withoutLast(output, mistakes.lastRows) : output
}

/** c[query] − c[key]; [B, H, Q, K]. */
function gateMatrix(gate: tf.Tensor3D, Q: number, { gate: wrong, halved }: Mistakes): tf.Tensor {
  const all = halved === 'gate' ? half(gate) : gate
  const sums = (wrong ? wrong(all) : all) as tf.Tensor3D
  return tf.sub(tf.expandDims(tf.slice(sums, [0, 0, sums.shape[2] - Q]), 3), tf.expandDims(sums, 2))
}

function plainSoftmax(scores: tf.Tensor): tf.Tensor {
  const powers = tf.exp(scores)
  return tf.div(powers, tf.sum(powers, -1, true))
}

/** Rows past a multiple of `rows` are zero, as if a last tile were forgotten. */
function withoutLast(x: tf.Tensor4D, rows: number): tf.Tensor4D {
  const whole = Math.max(rows, x.shape[2] - (x.shape[2] % rows))
  return tf.mul(x, tf.reshape(tf.cast(tf.less(tf.range(0, x.shape[2]), whole), 'float32'), [1, 1, -1, 1]))
}

function drop(weights: tf.Tensor, { dropout }: AttentionInputs, mistakes: Mistakes): tf.Tensor {
  if (!dropout) return weights
  const { seed, keep } = dropout
  const at = mistakes.dropout === 'one seed for all layers' ? tf.tensor1d([0, 0], 'int32') : seed
  const factors = keep(weights.shape, at)
  if (mistakes.dropout === 'scores') return tf.softmax(tf.mul(tf.log(weights), factors))
  if (mistakes.dropout !== 'other seed backward') return tf.mul(weights, factors)
  return tf.customGrad((w) => ({
    value: tf.mul(w as tf.Tensor, factors),
    gradFunc: (dy: tf.Tensor) => tf.mul(dy, keep(weights.shape, tf.add(seed, 1))),
  }))(weights)
}

function biasMatrix(
  { numQueries: Q, numKeys: K }: AttentionProblem,
  bias: AttentionBias,
  { roundPositions, halved }: Mistakes,
): tf.Tensor | undefined {
  const trained = (x: tf.Tensor) => (halved === 'bias' ? half(x) : x)
  if (bias.kind === 'none') return undefined
  if (bias.kind === 'tiles') return trained(bias.tiles({ index: 0, start: 0, end: Q, numKeys: K }))
  if (bias.kind === 'table') {
    const distances = Int32Array.from({ length: Q * K }, (_, i) => Math.max(0, K - Q + Math.floor(i / K) - (i % K)))
    return tf.reshape(tf.gather(trained(bias.table), tf.tensor1d(distances, 'int32'), 1), [-1, Q, K])
  }
  const as = (x: tf.Tensor) => (roundPositions ? tf.tensor(Float32Array.from(x.dataSync())) : x)
  const distance = tf.sub(tf.reshape(as(bias.queries), [Q, 1]), tf.reshape(as(bias.keys), [1, K]))
  return tf.mul(tf.reshape(trained(bias.slopes), [-1, 1, 1]), tf.neg(tf.abs(tf.cast(distance, 'float32'))))
}

/** The same numbers, of whose gradient a half is lost. */
const half = (x: tf.Tensor): tf.Tensor => tf.add(tf.mul(x, 0.5), tf.mul(tf.tensor(x.dataSync(), x.shape), 0.5))
