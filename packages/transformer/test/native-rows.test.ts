// What passes without gradients compute with operations of our own equals TensorFlow.js's operations.
import { selectBackend } from '@alibi/backend'
import { seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AttentionInputs } from '../src/kernels/attention/kernel.js'
import type { AttentionProblem } from '../src/kernels/attention/problem.js'
import { slotted } from '../src/kernels/attention/slots.js'
import { gelu } from '../src/kernels/plain/gelu.js'
import { layerNorm } from '../src/kernels/plain/layer-norm.js'
import { linear } from '../src/kernels/plain/linear.js'
import { rmsNorm } from '../src/kernels/plain/rms-norm.js'
import { nativeGelu, nativeLayerNorm, nativeLinear, nativeRmsNorm } from '../src/kernels/tensorflow/rows.js'
import { seed } from './seed.js'

const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
const named = (what: string) => `${what}${unavailable ? ` (skipped: ${unavailable})` : ''}`

const random = seededRandom(seed)
const normal = (...shape: number[]) =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((all, size) => all * size, 1) }, () => 4 * (random() + random() - 1)),
    shape,
  )
const matrix = (rows: number, columns: number) => normal(rows, columns) as tf.Tensor2D

/** Takes our operations from the backend, or gives them back. */
function withOperations(has: true | undefined): void {
  Object.assign(tf.backend(), { operations: has })
}

/** The largest difference, relative to the largest number. */
function difference(got: tf.Tensor, want: tf.Tensor): number {
  const [a, b] = [got.dataSync<'float32'>(), want.dataSync<'float32'>()]
  expect(got.shape).toEqual(want.shape)
  const scale = b.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-30)
  return b.reduce((worst, value, i) => Math.max(worst, Math.abs(a[i]! - value)), 0) / scale
}

describe.skipIf(unavailable)(named(`operations on rows (seed ${seed})`), () => {
  beforeAll(async () => void (await tf.setBackend('tensorflow')))
  afterEach(() => withOperations(true))

  // Less than a vector, whole vectors, some more; and enough for all threads.
  const sizes = [[1, 3], [5, 64], [3, 77], [700, 129]] as const // biome-ignore format: a table

  it.each(sizes)('GELU of [%i, %i]', (rows, columns) => {
    const x = matrix(rows, columns)
    expect(difference(nativeGelu(x), gelu(x))).toBeLessThan(1e-6)
  })

  it('GELU of what is large, and of what is no number', () => {
    const x = tf.tensor1d([-1e30, -50, -9, -0, 0, 9, 50, 1e30, Number.NaN])
    expect([...nativeGelu(x).dataSync()]).toEqual(
      [-0, -0, -0, -0, 0, 9, 50, Math.fround(1e30), Number.NaN].map((y, i) => (i < 3 ? expect.closeTo(0, 7) : y)),
    )
  })

  it.each(sizes)('norms of [%i, %i]', (rows, columns) => {
    const x = tf.add(matrix(rows, columns), 3) as tf.Tensor2D
    const [scale, shift] = [normal(columns), normal(columns)]
    expect(difference(nativeLayerNorm(x, scale, shift, 1e-5), layerNorm(x, scale, shift, 1e-5))).toBeLessThan(2e-6)
    expect(difference(nativeRmsNorm(x, scale, 1e-6), rmsNorm(x, scale, 1e-6))).toBeLessThan(2e-6)
  })

  it.each([
    [1, 3, 5],
    [2, 64, 200],
    [1, 130, 129],
    [1, 1100, 1024],
  ])('a product of [%i, %i] with %i columns', (rows, from, to) => {
    const [x, weight, bias] = [matrix(rows, from), matrix(from, to), normal(to)]
    expect(difference(nativeLinear(x, weight, bias), linear(x, weight, bias))).toBeLessThan(2e-6)
    expect(difference(nativeLinear(x, weight, undefined), linear(x, weight, undefined))).toBeLessThan(2e-6)
  })

  it('leaves what has gradients to TensorFlow.js', () => {
    const x = matrix(1, 8)
    const gradient = tf.grad((x) => tf.sum(nativeGelu(x)))(x)
    expect(difference(gradient, tf.grad((x) => tf.sum(gelu(x)))(x))).toBe(0)
  })

  it.each([
    { B: 1, H: 4, G: 4, C: 256, D: 32, first: 77, bias: 'slopes' },
    { B: 3, H: 4, G: 2, C: 64, D: 12, first: 63, bias: 'none' },
    { B: 2, H: 2, G: 1, C: 4096, D: 128, first: 3000, bias: 'slopes', padded: true },
  ])('attention over slots: %o', ({ B, H, G, C, D, first, bias, padded }) => {
    const problem: AttentionProblem = {
      ...{ backend: 'tensorflow', batchSize: B, numHeads: H, numQueries: 1, numKeys: C, headDim: D },
      ...{ asks: padded ? ['padding'] : [], trains: false, queriesPerTile: 128, skipTolerance: 0 },
    }
    const keys = tf.range(0, C, 1, 'int32') as tf.Tensor1D
    const inputs: AttentionInputs = {
      ...{ q: normal(B, H, 1, D) as tf.Tensor4D, k: normal(B, G, C, D) as tf.Tensor4D },
      v: normal(B, G, C, D) as tf.Tensor4D,
      bias:
        bias === 'none'
          ? { kind: 'none' }
          : {
              ...{ kind: 'linear', keys, queries: tf.tensor1d([first], 'int32'), consecutive: false },
              slopes: tf.tensor1d(Array.from({ length: H }, (_, head) => 2 ** -(4 + head))),
            },
      padding: padded
        ? tf.tensor4d(
            Float32Array.from({ length: B * C }, (_, i) => Number(i % C < 5 * Math.floor(i / C))),
            [B, 1, 1, C],
          )
        : undefined,
      firstQuery: tf.tensor1d([first], 'int32'),
    }
    const native = slotted.run(problem, inputs)
    withOperations(undefined)
    expect(difference(native, slotted.run(problem, inputs))).toBeLessThan(2e-6)
  })

  it('hides nothing that is no number', () => {
    const x = tf.tensor2d([[1, Number.NaN, 2]])
    const ones = tf.ones([3])
    expect(nativeLayerNorm(x, ones, ones, 1e-5).dataSync()).toEqual(new Float32Array(3).fill(Number.NaN))
    expect(nativeLinear(x, matrix(3, 2), undefined).dataSync()).toEqual(new Float32Array(2).fill(Number.NaN))
  })
})
