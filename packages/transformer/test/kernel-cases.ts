// What the tests of attention kernels of the device share: cases with their results in float64. Letters: B batch, H heads, Q/K queries/keys, D headDim.
import { type Rotation, seededRandom } from '@alibi/core'
import { rotary, xPos } from '@alibi/rotary'
import * as tf from '@tensorflow/tfjs'
import { attention64, attentionGradients64 } from '../src/conformance/float64.js'
import type { AttentionBias } from '../src/kernels/attention/bias.js'
import { type AttentionKernel, type ProjectedInputs, run } from '../src/kernels/attention/kernel.js'
import { type AttentionProblem, type AttentionStorage, featuresOf } from '../src/kernels/attention/problem.js'
import { seed } from './seed.js'

/** What a case asks a kernel for. */
export interface Options extends Pick<ProjectedInputs, 'bias' | 'padding' | 'gate' | 'rotation'> {
  readonly trainBias: boolean
  readonly attentionStorage?: AttentionStorage | undefined
  readonly window?: number | undefined
  readonly sinks?: number | undefined
}

type Sizes = Pick<AttentionProblem, 'batchSize' | 'numHeads' | 'numKeys' | 'headDim'>

export function problemOf(sizes: Sizes & { readonly numQueries?: number }, options: Options): AttentionProblem {
  const trains = tf.engine().state.gradientDepth > 0
  const { bias, trainBias, padding, window, sinks, gate } = options
  const asks = featuresOf({
    bias,
    trainedBias: trains && trainBias,
    padding: padding !== undefined,
    window: window !== undefined,
    dropout: false,
    storage: options.attentionStorage,
    also: [...(sinks ? (['sinks'] as const) : []), ...(gate ? (['gate'] as const) : [])],
  })
  const whole = { numQueries: sizes.numKeys, ...sizes }
  return { ...whole, backend: tf.getBackend(), asks, trains, window, sinks, queriesPerTile: 128, skipTolerance: 0 }
}

/** What a kernel computes. */
export function attend(
  kernel: AttentionKernel,
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  options: Options,
): tf.Tensor4D {
  const [batchSize, numHeads, numQueries, headDim] = q.shape
  const problem = problemOf({ batchSize, numHeads, numQueries, numKeys: k.shape[2], headDim }, options)
  return run(kernel, problem, { ...options, q, k, v })
}

/** What a kernel computes straight from a projection. */
export function attendProjected(
  kernel: AttentionKernel,
  qkv: tf.Tensor2D,
  { batchSize, numHeads }: Record<'batchSize' | 'numHeads', number>,
  options: Options,
) {
  const [rows, width] = qkv.shape
  const sizes = { batchSize, numHeads, numKeys: rows / batchSize, headDim: width / 3 / numHeads }
  return kernel.runProjected!(problemOf(sizes, options), { ...options, qkv })
}

const random = seededRandom(seed)
export const normal = (size: number) =>
  Float64Array.from({ length: size }, () => Math.fround(3 * (random() + random() + random() + random() - 2)))

/** The nearest float16, in float64: 11 significant bits, here of numbers it has no subnormals for. */
export const toFloat16 = (x: number) => {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x) || 1)) - 10)
  return Math.round(x / unit) * unit
}
export const normal16 = (size: number) => normal(size).map((x) => (Math.abs(x) < 2 ** -14 ? 0 : toFloat16(x)))

export interface Case {
  readonly dims: readonly [B: number, H: number, Q: number, K: number, D: number]
  readonly kind: 'none' | 'linear' | 'table'
  /** Positions that are not consecutive. */
  readonly positions?: (index: number) => number
  /** Keys that no query of a row of the batch may attend to. */
  readonly masked?: (row: number, key: number) => boolean
  /** The logarithm of the share that a token lets pass. */
  readonly gate?: (row: number, head: number, token: number) => number
  readonly window?: number
  readonly sinks?: number
  /** Instead of random numbers. */
  readonly table?: (head: number, distance: number) => number
  readonly numbers?: typeof normal
  /** Queries, keys and values in float16, whose numbers they are: rounding them again changes nothing. */
  readonly float16?: boolean
  /** Where gradients cancel to about zero: the size of what cancels, which errors are relative to. */
  readonly cancels?: number
}

/** As small as the scores of a model at its start: bounds from norms are far above the scores. */
const small = (size: number) => normal(size).map((x) => x / 4)

/** Between 0 and −2 times its rate, which is that of the head. */
export const uneven = (b: number, h: number, j: number) => -(0.4 + 0.2 * h) * (1 + Math.sin(j * j + b))

/** Long enough that tiles of keys are left out, by their distance or because all of them are masked. */
export const long: Record<string, Case> = {
  'slopes, far keys': { dims: [1, 4, 40, 500, 8], kind: 'linear', numbers: small },
  'a table, far keys': {
    dims: [1, 4, 40, 500, 8],
    kind: 'table',
    numbers: small,
    // Falls as a line; as a power; falls, but for some far distances; is constant from some distance on, as T5's.
    table: (h, d) => [-d / 2, -2 * d ** 0.8, d >= 330 && d < 350 ? -1 : -d / 2, -Math.min(d, 64) / 16][h]!,
  },
  'slopes, far keys, left padding and some own keys masked': {
    dims: [2, 2, 40, 500, 8],
    kind: 'linear',
    numbers: small,
    masked: (b, j) => b === 1 && (j < 200 || (j >= 465 && j < 480)),
  },
  'a table, far keys, every own key masked': {
    dims: [2, 2, 40, 500, 8],
    kind: 'table',
    numbers: small,
    // Beyond 104 already where the first visible key is.
    table: (_, d) => -d / 4,
    masked: (b, j) => b === 1 && j > 150,
  },
  'no bias, some own keys masked': {
    dims: [2, 1, 70, 500, 8],
    kind: 'none',
    masked: (b, j) => b === 1 && (j < 100 || (j > 470 && j < 480)),
  },
  'a gate that opens and shuts, left padding': {
    dims: [2, 2, 40, 500, 8],
    kind: 'none',
    numbers: small,
    // What opens is no gate of the interface; the kernel's bounds do not need sums to fall.
    gate: (b, _, j) => (j > 200 && j < 230 ? 2 : -0.7) + b / 8,
    masked: (b, j) => b === 1 && j < 70,
  },
  'slopes, a gate, a window and first keys': {
    dims: [1, 4, 140, 500, 8],
    kind: 'linear',
    numbers: small,
    gate: uneven,
    window: 321,
    sinks: 5,
  },
}

/** A case's numbers on the host, its options with the inputs after q, k and v, and the right results. */
export function prepare({
  dims,
  kind,
  positions,
  masked,
  gate,
  window = Infinity,
  sinks = 0,
  table,
  float16,
  numbers = float16 ? normal16 : normal,
}: Case) {
  const [B, H, Q, K, D] = dims
  const [q, k, v] = [
    numbers(B * H * Q * D),
    numbers(B * H * K * D),
    float16 ? normal16(B * H * K * D) : normal(B * H * K * D),
  ]
  const weight = normal(B * H * Q * D)
  const size = { none: 0, linear: H, table: H * K }[kind]
  // Slopes that are powers of two keep huge scores exact.
  const trained = kind === 'linear' ? Float64Array.from({ length: size }, (_, h) => 2 ** -(h + 1)) : normal(size)
  if (table) for (let i = 0; i < size; i++) trained[i] = Math.fround(table(Math.floor(i / K), i % K))
  const at = positions ?? ((i: number) => i)
  const sums = runningSums(dims, gate)
  const biasOf = (h: number, i: number, j: number, b: number) => {
    if (masked?.(b, j) || (i - j >= window && j >= sinks)) return Number.NEGATIVE_INFINITY
    const gained = gate ? sums[(b * H + h) * K + i]! - sums[(b * H + h) * K + j]! : 0
    if (kind === 'none') return gained
    return gained + (kind === 'linear' ? -trained[h]! * (at(i) - at(j)) : trained[h * K + i - j]!)
  }
  const dTrained = new Float64Array(size)
  const dSums = new Float64Array(sums.length)
  const [dq, dk, dv] = attentionGradients64(dims, q, k, v, biasOf, weight, (h, i, j, gradient, b) => {
    if (gate) {
      dSums[(b * H + h) * K + i]! += gradient
      dSums[(b * H + h) * K + j]! -= gradient
    }
    if (kind === 'linear') dTrained[h]! -= (at(i) - at(j)) * gradient
    if (kind === 'table') dTrained[h * K + i - j]! += gradient
  })
  const out = attention64(dims, q, k, v, biasOf)
  const makeBias = (trained: tf.Tensor | undefined): AttentionBias => {
    if (kind === 'table') return { kind, table: trained! }
    if (kind === 'none') return { kind }
    const places = tf.tensor1d(
      Array.from({ length: K }, (_, i) => at(i)),
      'int32',
    )
    return { kind, slopes: trained!, queries: tf.slice(places, K - Q, Q), keys: places, consecutive: !positions }
  }
  const mask =
    masked &&
    tf.tensor(
      Array.from({ length: B * K }, (_, i) => Number(masked(Math.floor(i / K), i % K))),
      [B, 1, 1, K],
    )
  const inputs = [tensor(q, [B, H, Q, D]), tensor(k, [B, H, K, D]), tensor(v, [B, H, K, D])]
  if (size) inputs.push(tensor(trained, kind === 'linear' ? [H] : [H, K]))
  if (gate) inputs.push(tensor(sums, [B, H, K]))
  const options = (...others: readonly (tf.Tensor | undefined)[]) => ({
    bias: makeBias(others[0]),
    gate: gate && (others.at(-1) as tf.Tensor3D),
    trainBias: kind !== 'none',
    padding: mask,
    window: window < K ? window : undefined,
    sinks,
    attentionStorage: float16 ? ('float16' as const) : undefined,
  })
  const want = [out, dq, dk, dv, ...(size ? [dTrained] : []), ...(gate ? [dSums] : [])]
  return { inputs, weight, options, biasOf, q, k, want }
}

/** Of each row and head, along its keys; [B, H, K], exact in fp32. */
function runningSums([B, H, , K]: Case['dims'], gate: Case['gate']): Float64Array {
  if (!gate) return new Float64Array()
  let sum = 0
  return Float64Array.from({ length: B * H * K }, (_, i) => {
    const row = Math.floor(i / K)
    sum = Math.fround((i % K ? sum : 0) + gate(Math.floor(row / H), row % H, i % K))
    return sum
  })
}

export const tensor = (data: Float64Array, shape: readonly number[]) => tf.tensor(Float32Array.from(data), [...shape])

/** Rows that may attend to nothing are not defined: what is padding has no result to compare. */
export function relativeError(got: ArrayLike<number>, want: Float64Array, least = 1e-30): number {
  const scale = want.reduce((top, value) => Math.max(top, Math.abs(value) || 0), least)
  return (
    want.reduce((worst, value, i) => {
      if (Number.isNaN(value)) return worst
      return Number.isNaN(got[i]!) ? Number.NaN : Math.max(worst, Math.abs(got[i]! - value))
    }, 0) / scale
  )
}

export async function results(compute: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], weight: tf.Tensor) {
  const out = compute(...inputs)
  const loss = (...all: tf.Tensor[]) => tf.sum(tf.mul(compute(...all), weight))
  const gradients = tf.grads(loss as Parameters<typeof tf.grads>[0])(inputs)
  const values = await Promise.all([out, ...gradients].map((x) => x.data()))
  tf.dispose([out, ...gradients])
  return values
}

/** Of 16 features. */
export const rotations: Record<string, Rotation> = {
  'neighbours turn': rotary({ rotaryDim: 16, pairing: 'interleaved' }).rotation,
  'halves turn': rotary({ rotaryDim: 16 }).rotation,
  'a half of the features': rotary({ rotaryDim: 8 }).rotation,
  'pairs that are no multiple of 4 apart': rotary({ rotaryDim: 12 }).rotation,
  'with magnitudes': xPos({ rotaryDim: 16 }).rotation,
}
