// What passes compute with operations of our own equals TensorFlow.js's operations, and its gradients are those of float64.
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { selectBackend } from '@alibi/backend'
import { seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findAddon } from '../../backend/src/setup/addon.js'
import type { AttentionInputs } from '../src/kernels/attention/kernel.js'
import type { AttentionProblem } from '../src/kernels/attention/problem.js'
import { slotted } from '../src/kernels/attention/slots.js'
import { gelu } from '../src/kernels/plain/gelu.js'
import { layerNorm } from '../src/kernels/plain/layer-norm.js'
import { linear } from '../src/kernels/plain/linear.js'
import { type AdamwState, adamw, type Update } from '../src/kernels/plain/optimizers.js'
import { rmsNorm } from '../src/kernels/plain/rms-norm.js'
import { nativeAdamw } from '../src/kernels/tensorflow/adamw.js'
import { nativeGelu, nativeLayerNorm, nativeLinear, nativeRmsNorm } from '../src/kernels/tensorflow/rows.js'
import { geluGradient64, normGradients64, sumRows64 } from './rows64.js'
import { seed } from './seed.js'

const require = createRequire(import.meta.url)
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
  expect(got.shape).toEqual(want.shape)
  return difference64(got, want.dataSync<'float32'>())
}

function difference64(got: tf.Tensor, want: Float32Array | Float64Array): number {
  const a = got.dataSync<'float32'>()
  expect(a).toHaveLength(want.length)
  let [worst, scale] = [0, 1e-30]
  for (const [i, value] of want.entries()) {
    scale = Math.max(scale, Math.abs(value))
    worst = Math.max(worst, Math.abs(a[i]! - value))
  }
  return worst / scale
}

/** What tests use of the compiled `native/operations.cc`. */
interface Addon {
  readonly instructionSets: readonly string[]
  useInstructions(set: string): void
  setThreads(count: number): void
}
const addon = unavailable ? undefined : (require(findAddon()!.operationsPath) as Addon)

/** Gradients of Σ weight·of(inputs) by the inputs. */
const gradients = (of: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], weight: tf.Tensor) =>
  tf.grads((...all: tf.Tensor[]) => tf.sum(tf.mul(of(...all), weight)))(inputs)

/** A step of AdamW for arrays of odd sizes and of several blocks, most of which decay. @returns all parameters and both moments after it */
function stepOfAdamw(
  step: typeof adamw,
  given: { readonly clips: boolean; readonly steps?: number; readonly beta2?: number },
): tf.Tensor[] {
  const next = seededRandom(seed + 1)
  const some = (...shape: number[]) =>
    tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next() - 0.5), shape) // biome-ignore format: short
  const shapes = [[7], [3, 11], [1], [129, 67], [5, 3, 2], [31]] as const
  const parameters = shapes.map((shape, i) => ({ value: tf.variable(some(...shape)), decays: i % 3 !== 2 }))
  const size = parameters.reduce((sum, { value }) => sum + value.size, 0)
  const state: AdamwState = {
    // From 0, as a training begins: what moments take counts there.
    ...{ firstMoment: tf.variable(tf.zeros([size])), secondMoment: tf.variable(tf.zeros([size])) },
    ...{ beta1: 0.9, beta2: given.beta2 ?? 0.98 },
  }
  for (let i = 0; i < (given.steps ?? 1); i++) {
    const update: Update = {
      ...{ parameters, gradient: some(size) as tf.Tensor1D, factor: given.clips ? tf.scalar(0.3) : undefined },
      ...{ hyperparameters: tf.tensor1d([0.01, 1.7, 1e-6]), weightDecay: 0.1 },
    }
    step(update, state)
  }
  // In one, as next to a number alone that a step brings near 0 any rounding is large.
  const all = tf.concat1d(parameters.map(({ value }) => tf.reshape(value, [-1]) as tf.Tensor1D))
  return [all, state.firstMoment, state.secondMoment]
}

describe.skipIf(unavailable)(named(`operations on rows (seed ${seed})`), () => {
  beforeAll(async () => void (await tf.setBackend('tensorflow')))
  afterEach(() => {
    withOperations(true)
    addon?.useInstructions(addon.instructionSets[0]!)
  })

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

  // Less than a vector more than whole ones, whole ones, one row, and rows for all threads.
  const ofRows = [[37, 19], [37, 64], [5, 3], [1, 19], [1, 64], [3000, 32]] as const // biome-ignore format: a table
  const eachSet = (addon?.instructionSets ?? []).flatMap((set) => ofRows.map(([N, D]) => [set, N, D] as const))
  // float32 rounds to 6e-8; sums of N numbers lose some √N roundings, next to the largest result.
  const GRADIENT = 1e-5

  it.each(eachSet)('gradients are those of float64, with %s: [%i, %i]', (set, N, D) => {
    addon!.useInstructions(set)
    const [x, scale, shift, dy] = [tf.add(matrix(N, D), 1) as tf.Tensor2D, normal(D), normal(D), matrix(N, D)]
    const [ofX, ofScale, ofDy] = [x, scale, dy].map((each) => each.dataSync<'float32'>()) as [Float32Array, Float32Array, Float32Array] // biome-ignore format: short
    const agree = (got: tf.Tensor[], want: Float64Array[]) => {
      for (const [i, values] of want.entries()) expect(difference64(got[i]!, values), `${i}`).toBeLessThan(GRADIENT)
    }
    agree(
      gradients((x) => nativeGelu(x!), [x], dy),
      [geluGradient64(ofX, ofDy)],
    )
    const layer = gradients((x, a, b) => nativeLayerNorm(x as tf.Tensor2D, a!, b!, 1e-5), [x, scale, shift], dy)
    agree(layer, normGradients64(ofX, ofScale, ofDy, 1e-5, true))
    const rms = gradients((x, a) => nativeRmsNorm(x as tf.Tensor2D, a!, 1e-6), [x, scale], dy)
    agree(rms, normGradients64(ofX, ofScale, ofDy, 1e-6, false))
    const product = (f: typeof linear) =>
      gradients((x, w, b) => f(x as tf.Tensor2D, w as tf.Tensor2D, b), [x, matrix(D, D), shift], dy)
    agree(product(nativeLinear).slice(2), [sumRows64(ofDy, D)])
  })

  it('gradients of a product with weights are those of TensorFlow.js', () => {
    const inputs = [matrix(37, 19), matrix(19, 45), normal(45)]
    const dy = matrix(37, 45)
    const by = (f: typeof linear) => gradients((x, w, b) => f(x as tf.Tensor2D, w as tf.Tensor2D, b), inputs, dy)
    const want = by(linear)
    for (const [i, got] of by(nativeLinear).entries()) expect(difference(got, want[i]!)).toBeLessThan(2e-6)
  })

  it('the gradient of GELU of what is large, and of what is no number', () => {
    const x = tf.tensor1d([-1e30, -1e13, -1e6, -50, -9, 0, 9, 50, 1e6, 1e13, 1e30, Number.NaN])
    const got = gradients((x) => nativeGelu(x!), [x], tf.onesLike(x))[0]!.dataSync()
    expect([...got]).toEqual(
      [0, 0, 0, 0, 0, 0.5, 1, 1, 1, 1, 1, Number.NaN].map((y) => y || (y === 0 ? expect.closeTo(0, 7) : y)),
    )
  })

  const sets = addon?.instructionSets ?? []
  it.each(
    sets.flatMap((set) => [false, true].flatMap((clips) => [0.98, 0.999].map((beta2) => [set, clips, beta2] as const))),
  )('AdamW equals the one of TensorFlow.js, with %s, clipped: %s, beta2 %d', (set, clips, beta2) => {
    addon!.useInstructions(set)
    const want = stepOfAdamw(adamw, { clips, beta2, steps: 3 })
    // Three steps of a dozen roundings each.
    for (const [i, got] of stepOfAdamw(nativeAdamw, { clips, beta2, steps: 3 }).entries())
      expect(difference(got, want[i]!), `${i}`).toBeLessThan(GRADIENT)
  })

  it.each(sets)('gives the same bits whatever the threads, with %s', (set) => {
    addon!.useInstructions(set)
    onTestFinished(() => addon!.setThreads(Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism()))
    const [x, scale, shift, dy] = [matrix(3001, 77), normal(77), normal(77), matrix(3001, 77)]
    const weights = matrix(77, 77)
    const results = () => [
      ...gradients((x) => nativeGelu(x!), [x], dy),
      ...gradients((x, a, b) => nativeLayerNorm(x as tf.Tensor2D, a!, b!, 1e-5), [x, scale, shift], dy),
      ...gradients((x, a) => nativeRmsNorm(x as tf.Tensor2D, a!, 1e-6), [x, scale], dy),
      ...gradients((x, b) => nativeLinear(x as tf.Tensor2D, weights, b), [x, shift], dy).slice(1),
      ...stepOfAdamw(nativeAdamw, { clips: true }),
    ]
    const by = [1, 2, 3].map((threads) => {
      addon!.setThreads(threads)
      return results().map((each) => Buffer.from(each.dataSync<'float32'>().slice().buffer).toString('base64'))
    })
    expect(by[1]).toEqual(by[0])
    expect(by[2]).toEqual(by[0])
  })

  it('hides nothing that is no number', () => {
    const x = tf.tensor2d([[1, Number.NaN, 2]])
    const ones = tf.ones([3])
    expect(nativeLayerNorm(x, ones, ones, 1e-5).dataSync()).toEqual(new Float32Array(3).fill(Number.NaN))
    expect(nativeLinear(x, matrix(3, 2), undefined).dataSync()).toEqual(new Float32Array(2).fill(Number.NaN))
  })
})
