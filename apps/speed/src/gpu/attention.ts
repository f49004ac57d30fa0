// Letters: H heads, L tokens, D headDim; one row.
import { alibiSlopes } from '@alibi/alibi'
import { type AttentionBias, type AttentionStorage, attention } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import type { Contestant } from '../steps/contestant.js'
import { finished } from './device.js'
import type { AttentionShape } from './sizes.js'

/** Causal attention with a bias, of q, k, v [1, H, L, D]. */
export type Attend = (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D) => tf.Tensor4D

const linear = (slopes: readonly number[], L: number): AttentionBias => ({
  kind: 'linear',
  slopes: tf.tensor1d([...slopes]),
  queries: tf.range(0, L, 1, 'int32') as tf.Tensor1D,
  keys: tf.range(0, L, 1, 'int32') as tf.Tensor1D,
  consecutive: true,
})

const distances = (from: number, to: number, keys: number) =>
  tf.sub(tf.reshape(tf.range(0, keys), [1, keys]), tf.reshape(tf.range(from, to), [to - from, 1]))

const steep = (slopes: readonly number[], distance: tf.Tensor) =>
  tf.mul(tf.reshape(tf.tensor1d([...slopes]), [-1, 1, 1]), tf.neg(tf.abs(distance)))

/** The ways to compute it that are timed against each other; the first is ours. */
export function ways({ heads, length: L, matrices }: AttentionShape): Readonly<Record<string, Attend>> {
  const slopes = alibiSlopes(heads)
  const fused = (bias: () => AttentionBias, attentionStorage: AttentionStorage = 'float32'): Attend => {
    return (q, k, v) => attention(q, k, v, { bias: bias(), trainBias: false, queriesPerTile: 128, attentionStorage })
  }
  const table = (): AttentionBias => ({
    kind: 'table',
    table: tf.mul(tf.reshape(tf.tensor1d([...slopes]), [-1, 1]), tf.reshape(tf.range(0, -L, -1), [1, L])),
  })
  return {
    'fused, ALiBi': fused(() => linear(slopes, L)),
    'fused, no bias': fused(() => ({ kind: 'none' })),
    'fused, slopes of 0: nothing to skip': fused(() =>
      linear(
        slopes.map(() => 0),
        L,
      ),
    ),
    'fused, ALiBi as a table': fused(table),
    'fused, ALiBi, from float16': fused(() => linear(slopes, L), 'float16'),
    ...(matrices && {
      // A bias of both positions is what the fused kernels leave to tiles.
      'ours, tile by tile': fused(() => ({
        kind: 'tiles',
        tiles: ({ start, end, numKeys }) => steep(slopes, distances(start, end, numKeys)),
      })),
      'stock tfjs-webgpu': (q, k, v) => {
        const distance = distances(0, L, L)
        const bias = tf.add(steep(slopes, distance), tf.mul(tf.relu(distance), -1e30))
        const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape[3])), bias)
        return tf.matMul(tf.softmax(scores), v) as tf.Tensor4D
      },
    }),
  }
}

const random = ({ heads, length, headDim }: AttentionShape) =>
  Array.from({ length: 4 }, () => tf.randomNormal([1, heads, length, headDim])) as tf.Tensor4D[]

/** Times it forward, or forward and backward. */
export function timed(name: string, shape: AttentionShape, attend: Attend, backward: boolean): Contestant {
  const [q, k, v, dy] = random(shape) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]
  const gradients = tf.grads(attend as (...tensors: tf.Tensor[]) => tf.Tensor)
  const pass = () => tf.tidy(() => (backward ? gradients([q, k, v], dy)[0]! : attend(q, k, v)))
  return {
    name,
    async run(passes) {
      const started = performance.now()
      for (let i = 1; i < passes; i++) pass().dispose()
      const last = pass()
      await finished(last)
      last.dispose()
      return (performance.now() - started) / 1000 / passes
    },
    dispose: () => tf.dispose([q, k, v, dy]),
  }
}

/** Operations that cannot be left out: 2 products over the keys up to each query, and 5 more backward. */
export const usefulFlop = ({ heads, length, headDim }: AttentionShape, backward: boolean): number =>
  (backward ? 3.5 : 1) * 4 * heads * headDim * ((length * (length + 1)) / 2)
