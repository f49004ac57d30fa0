// The fused WGSL kernels against the formula in float64, on whatever adapter there is (SwiftShader where there is no GPU).
import { selectBackend } from '@alibi/backend'
import { positionRange, type Rotation, type RotationTables, rotationTables, seededRandom } from '@alibi/core'
import { rotary, xPos } from '@alibi/rotary'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import { attention64, attentionGradients64 } from '../src/conformance/float64.js'
import { attention } from '../src/kernels/attention/attention.js'
import type { AttentionBias } from '../src/kernels/attention/bias.js'
import { type ProjectedInputs, refusal } from '../src/kernels/attention/kernel.js'
import { type AttentionProblem, type AttentionStorage, featuresOf } from '../src/kernels/attention/problem.js'
import { fused } from '../src/kernels/webgpu/attention/fused.js'
import { packRotation } from '../src/kernels/webgpu/attention/rotation.js'
import { toHalf } from '../src/kernels/webgpu/half.js'
import { differences64 } from './float64.js'
import { seed } from './seed.js'

const unavailable = await selectBackend('webgpu', { software: true }).then(
  () => undefined,
  (error: Error) => error.message,
)

interface Options extends Pick<ProjectedInputs, 'bias' | 'padding' | 'rotation'> {
  readonly trainBias: boolean
  readonly attentionStorage?: AttentionStorage | undefined
}

const fusedAttention = (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, options: Options) =>
  attention(q, k, v, { ...options, attentionKernels: ['fused'] })

/** Of whole sequences. */
function problemOf(sizes: Pick<AttentionProblem, 'batchSize' | 'numHeads' | 'numKeys' | 'headDim'>, options: Options) {
  const trains = tf.engine().state.gradientDepth > 0
  const asks = featuresOf({
    bias: options.bias,
    trainedBias: trains && options.trainBias,
    padding: options.padding !== undefined,
    window: false,
    dropout: false,
    storage: options.attentionStorage,
  })
  const numQueries = sizes.numKeys
  return { ...sizes, numQueries, backend: tf.getBackend(), asks, trains, queriesPerTile: 128, skipTolerance: 0 }
}

function fusedSelfAttention(
  qkv: tf.Tensor2D,
  { batchSize, numHeads }: Record<'batchSize' | 'numHeads', number>,
  options: Options,
) {
  const [rows, width] = qkv.shape
  const sizes = { batchSize, numHeads, numKeys: rows / batchSize, headDim: width / 3 / numHeads }
  return fused.runProjected!(problemOf(sizes, options), { ...options, qkv })
}

const random = seededRandom(seed)
const normal = (size: number) =>
  Float64Array.from({ length: size }, () => Math.fround(3 * (random() + random() + random() + random() - 2)))
/** Products of these are exact in fp32, however large: what is left of an error is the kernel's. */
const large = (size: number) => Float64Array.from({ length: size }, () => 16 * Math.floor(17 * random() - 8))

/** The nearest float16, in float64: 11 significant bits, here of numbers it has no subnormals for. */
const toFloat16 = (x: number) => {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x) || 1)) - 10)
  return Math.round(x / unit) * unit
}
const normal16 = (size: number) => normal(size).map((x) => (Math.abs(x) < 2 ** -14 ? 0 : toFloat16(x)))

interface Case {
  readonly dims: readonly [B: number, H: number, Q: number, K: number, D: number]
  readonly kind: 'none' | 'linear' | 'table'
  /** Positions that are not consecutive. */
  readonly positions?: (index: number) => number
  /** Keys that no query of a row of the batch may attend to. */
  readonly masked?: (row: number, key: number) => boolean
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

/** Long enough that tiles of keys are left out, by their distance or because all of them are masked. */
const long: Record<string, Case> = {
  'slopes, far keys': { dims: [1, 4, 40, 700, 8], kind: 'linear', numbers: small },
  'a table, far keys': {
    dims: [1, 4, 40, 700, 8],
    kind: 'table',
    numbers: small,
    // Falls as a line; as a power; falls, but for some far distances; is constant from some distance on, as T5's.
    table: (h, d) => [-d / 2, -2 * d ** 0.8, d >= 500 && d < 520 ? -1 : -d / 2, -Math.min(d, 64) / 16][h]!,
  },
  'slopes, far keys, left padding and some own keys masked': {
    dims: [2, 4, 40, 700, 8],
    kind: 'linear',
    numbers: small,
    masked: (b, j) => b === 1 && (j < 330 || (j >= 665 && j < 680)),
  },
  'a table, far keys, every own key masked': {
    dims: [2, 2, 40, 700, 8],
    kind: 'table',
    numbers: small,
    // Beyond 104 already where the first visible key is.
    table: (_, d) => -d / 4,
    masked: (b, j) => b === 1 && j > 200,
  },
  'no bias, some own keys masked': {
    dims: [2, 2, 70, 700, 8],
    kind: 'none',
    masked: (b, j) => b === 1 && (j < 100 || (j > 670 && j < 680)),
  },
}

const cases: Record<string, Case> = {
  ...long,
  'no bias, tiles of 32': { dims: [1, 2, 33, 33, 16], kind: 'none' },
  'slopes, tiles of 64': { dims: [2, 3, 70, 70, 8], kind: 'linear' },
  'a table, more keys than queries': { dims: [2, 2, 37, 101, 12], kind: 'table' },
  'slopes, one query': { dims: [1, 2, 1, 70, 64], kind: 'linear' },
  'a table, one query and key': { dims: [2, 1, 1, 1, 16], kind: 'table', cancels: 1 },
  'slopes, padding': { dims: [2, 2, 19, 23, 16], kind: 'linear', masked: (b, j) => j < 5 * b },
  'slopes, positions far apart': {
    dims: [1, 2, 9, 20, 16],
    kind: 'linear',
    positions: (i) => 1000 * i + (i % 3),
    cancels: 1,
  },
  'a table, headDim 128': { dims: [1, 1, 35, 40, 128], kind: 'table' },
  'slopes, headDim 128, tiles of 64': { dims: [1, 1, 65, 65, 128], kind: 'linear' },
  'float16, slopes, padding': { dims: [2, 2, 19, 23, 16], kind: 'linear', masked: (b, j) => j < 5 * b, float16: true },
  'float16, a table, tiles of 64': { dims: [1, 2, 70, 70, 8], kind: 'table', float16: true },
  'slopes, huge scores': { dims: [1, 2, 40, 47, 16], kind: 'linear', numbers: large, cancels: 128 },
}

/** IEEE 754 binary16. */
const fromBits = (bits: number) => {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction)
}

/** A case's numbers on the host, its bias on the device, and the right results. */
function prepare({ dims, kind, positions, masked, table, float16, numbers = float16 ? normal16 : normal }: Case) {
  const [B, H, Q, K, D] = dims
  const [q, k, v] = [
    numbers(B * H * Q * D),
    numbers(B * H * K * D),
    float16 ? normal16(B * H * K * D) : normal(B * H * K * D),
  ]
  const weight = normal(B * H * Q * D)
  const size = { none: 0, linear: H, table: H * K }[kind]
  // Slopes that are powers of two keep huge scores exact.
  const trained = kind === 'linear' ? Float64Array.from({ length: size }, (_, h) => 2 ** -(h + 2)) : normal(size)
  if (table) for (let i = 0; i < size; i++) trained[i] = Math.fround(table(Math.floor(i / K), i % K))
  const at = positions ?? ((i: number) => i)
  const biasOf = (h: number, i: number, j: number, b: number) => {
    if (masked?.(b, j)) return Number.NEGATIVE_INFINITY
    if (kind === 'none') return 0
    return kind === 'linear' ? -trained[h]! * (at(i) - at(j)) : trained[h * K + i - j]!
  }
  const dTrained = new Float64Array(size)
  const [dq, dk, dv] = attentionGradients64(dims, q, k, v, biasOf, weight, (h, i, j, gradient) => {
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
  const attentionStorage = float16 ? ('float16' as const) : undefined
  const options = (bias: AttentionBias) => ({ bias, trainBias: kind !== 'none', padding: mask, attentionStorage })
  return { inputs, weight, makeBias, options, biasOf, q, k, want: [out, dq, dk, dv, ...(size ? [dTrained] : [])] }
}

/** Of the kernels at these sizes. */
const T = 64

/**
 * What skipping must do with the pairs of a tile of keys and each tile of queries: visit it where any weight is not 0 in
 * fp32; leave it out where the rule says so, in float64 and with something to spare.
 */
function rulesByTile(
  [B, H, Q, K, D]: Case['dims'],
  q: Float64Array,
  k: Float64Array,
  biasOf: (h: number, i: number, j: number, b: number) => number,
) {
  const past = K - Q
  const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
  const dot = (bh: number, i: number, j: number) =>
    range(0, D).reduce((sum, d) => sum + q[(bh * Q + i) * D + d]! * k[(bh * K + j) * D + d]!, 0) / Math.sqrt(D)
  const norms = (x: Float64Array) =>
    range(0, x.length / D).map((row) => Math.hypot(...x.subarray(row * D, (row + 1) * D)))
  const [queryNorms, keyNorms] = [norms(q), norms(k)]
  const heads = range(0, B * H).map((bh) =>
    range(0, Q).map((i) => {
      const biases = range(0, past + i + 1).map((j) => biasOf(bh % H, past + i, j, Math.floor(bh / H)))
      const scores = biases.map((bias, j) => dot(bh, i, j) + bias)
      return { biases, scores, top: Math.max(...scores) }
    }),
  )
  return (bh: number, keyTile: number) =>
    range(0, Math.ceil(Q / T)).map((queryTile) => {
      const [from, to, firstKey] = [T * queryTile, Math.min(Q, T * queryTile + T), T * keyTile]
      const rows = heads[bh]!.slice(from, to)
      const seen = (each: (typeof rows)[number]) =>
        range(firstKey, Math.min(firstKey + T, each.biases.length)).filter((j) => each.biases[j]! > -Infinity)
      const keys = [...new Set(rows.flatMap(seen))]
      const upper =
        (Math.max(...queryNorms.slice(bh * Q + from, bh * Q + to)) *
          Math.max(...keys.map((j) => keyNorms[bh * K + j]!))) /
        Math.sqrt(D)
      // The table is looked at in tiles of distances: those of the pair of tiles and some around them.
      const farther = Math.max(
        ...rows.flatMap(({ biases }) => biases.slice(Math.max(0, firstKey - T), firstKey + 2 * T)),
      )
      const own = Math.min(...rows.map(({ scores }) => scores.at(-1)!))
      const before = firstKey + T <= past + from
      return {
        from,
        to,
        mustVisit: rows.some((each) => seen(each).some((j) => each.scores[j]! - each.top > -103)),
        mustSkip: keys.length === 0 || (before && 1.001 * upper + farther < own - 104.1),
      }
    })
}

const tensor = (data: Float64Array, shape: readonly number[]) => tf.tensor(Float32Array.from(data), [...shape])

/** x·cos + swap(x)·sin of every head's rows, in float64, or its transpose. */
function turned(x: Float64Array, { cos, sin, partner }: RotationTables, way: 'turn' | 'turn back'): Float64Array {
  const D = partner.length
  return x.map((value, i) => {
    const [at, other] = [i % cos.length, i - (i % D) + partner[i % D]!]
    return value * cos[at]! + x[other]! * sin[way === 'turn' ? at : other % cos.length]!
  })
}

/** Rows that may attend to nothing are not defined: what is padding has no result to compare. */
function relativeError(got: ArrayLike<number>, want: Float64Array, least = 1e-30): number {
  const scale = want.reduce((top, value) => Math.max(top, Math.abs(value) || 0), least)
  return (
    want.reduce((worst, value, i) => {
      if (Number.isNaN(value)) return worst
      return Number.isNaN(got[i]!) ? Number.NaN : Math.max(worst, Math.abs(got[i]! - value))
    }, 0) / scale
  )
}

/** Fills every buffer that the next kernels may be given with NaN: what they do not write shows. */
function poison(): void {
  const { bufferManager, device } = tf.backend() as unknown as {
    bufferManager: { freeBuffers: Map<string, GPUBuffer[]> }
    device: GPUDevice
  }
  for (const buffers of bufferManager.freeBuffers.values())
    for (const buffer of buffers)
      if (buffer.usage & GPUBufferUsage.STORAGE && buffer.mapState === 'unmapped')
        device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(Number.NaN))
}

async function results(compute: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], weight: tf.Tensor) {
  const out = compute(...inputs)
  const loss = (...all: tf.Tensor[]) => tf.sum(tf.mul(compute(...all), weight))
  const gradients = tf.grads(loss as Parameters<typeof tf.grads>[0])(inputs)
  const values = await Promise.all([out, ...gradients].map((x) => x.data()))
  tf.dispose([out, ...gradients])
  return values
}

describe.skipIf(unavailable)(`fused attention${unavailable ? ` (skipped: ${unavailable})` : ''}`, () => {
  it.each(Object.entries(cases))(`equals float64, and its gradients: %s (seed ${seed})`, async (_name, each) => {
    const { inputs, weight, makeBias, options, want } = prepare(each)
    const compute = (...[q, k, v, trained]: tf.Tensor[]) =>
      fusedAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, options(makeBias(trained)))
    const weights = tensor(weight, inputs[0]!.shape)
    await results(compute, inputs, weights)
    poison()
    const got = await results(compute, inputs, weights)
    // The bounds of the project for fp32, whose rounding is 6e-8 and whose longest sums have a few hundred terms.
    got.forEach((values, i) => {
      const error = relativeError(values as Float32Array, want[i]!, i === 0 ? undefined : each.cancels)
      expect(error, `${i}`).toBeLessThan(i === 0 ? 1e-5 : 1e-4)
    })
  })

  it('reads queries, keys and values from one tensor', async () => {
    const [B, H, L, D] = [2, 3, 37, 8] as const
    const { inputs, weight, makeBias, options } = prepare({ dims: [B, H, L, L, D], kind: 'linear' })
    const [q, k, v, slopes] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor]
    const weights = tensor(weight, [B, H, L, D])
    const apart = await results(
      (...[q, k, v, slopes]) =>
        fusedAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, options(makeBias(slopes))),
      [q, k, v, slopes],
      weights,
    )
    const rows = (x: tf.Tensor4D) => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B * L, H * D])
    const packed = tf.concat([rows(q), rows(k), rows(v)], 1) as tf.Tensor2D
    const together = await results(
      (qkv, slopes) => fusedSelfAttention(qkv as tf.Tensor2D, { batchSize: B, numHeads: H }, options(makeBias(slopes))),
      [packed, slopes],
      rows(weights as tf.Tensor4D),
    )
    const [out, dq, dk, dv, dSlopes] = apart.map((values, i) => tf.tensor(values, i < 4 ? [B, H, L, D] : [H]))
    const want = [
      rows(out as tf.Tensor4D),
      tf.concat(
        [dq, dk, dv].map((x) => rows(x as tf.Tensor4D)),
        1,
      ),
      dSlopes!,
    ]
    for (const [i, x] of want.entries()) expect(together[i]).toEqual(await x.data())
  })

  const rotations: Record<string, Rotation> = {
    'neighbours turn': rotary({ rotaryDim: 16, pairing: 'interleaved' }).rotation,
    'halves turn': rotary({ rotaryDim: 16 }).rotation,
    'a half of the features': rotary({ rotaryDim: 8 }).rotation,
    'pairs that are no multiple of 4 apart': rotary({ rotaryDim: 12 }).rotation,
    'with magnitudes': xPos({ rotaryDim: 16 }).rotation,
  }
  it.each(Object.entries(rotations))(
    `turns queries and keys as it reads them: %s (seed ${seed})`,
    async (_, rotation) => {
      // 449 keys are 8 tiles: bounds are of what is turned, too.
      const cases = [[37, true] as const, ...(rotation.rotaryDim === 16 ? [[449, false] as const] : [])]
      for (const [L, float16] of cases) {
        const [B, H, D] = [2, 3, 16] as const
        const dims = [B, H, L, L, D] as const
        const numbers = float16 ? normal16 : normal
        const parts = [numbers, numbers, numbers, normal].map((make) => make(B * H * L * D))
        const [q, k, v, weight] = parts as [Float64Array, Float64Array, Float64Array, Float64Array]
        const tables = (side: 'query' | 'key') => rotationTables(rotation, D, positionRange(0, L), side)
        const [queries, keys] = [tables('query'), tables('key')]
        const biasOf = (h: number, i: number, j: number) => -(2 ** -(h + 2)) * (i - j)
        const [tq, tk] = [turned(q, queries, 'turn'), turned(k, keys, 'turn')]
        const [dq, dk, dv] = attentionGradients64(dims, tq, tk, v, biasOf, weight)
        const want = [
          attention64(dims, tq, tk, v, biasOf),
          turned(dq, queries, 'turn back'),
          turned(dk, keys, 'turn back'),
          dv,
        ]
        const rows = (x: Float64Array) =>
          tf.reshape(tf.transpose(tensor(x, [B, H, L, D]), [0, 2, 1, 3]), [B * L, H * D]) as tf.Tensor2D
        const places = tf.range(0, L, 1, 'int32') as tf.Tensor1D
        const slopes = tf.tensor1d(Array.from({ length: H }, (_, h) => 2 ** -(h + 2)))
        const options = {
          bias: { kind: 'linear', slopes, queries: places, keys: places, consecutive: true } as const,
          trainBias: false,
          rotation: packRotation(queries, keys),
          attentionStorage: float16 ? ('float16' as const) : undefined,
        }
        const compute = (qkv: tf.Tensor) =>
          fusedSelfAttention(qkv as tf.Tensor2D, { batchSize: B, numHeads: H }, options)
        const packed = tf.concat([rows(q), rows(k), rows(v)], 1)
        await results(compute, [packed], rows(weight))
        poison()
        const [out, gradient] = await results(compute, [packed], rows(weight))
        const back = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [B, L, H, D]), [0, 2, 1, 3]).data()
        const got = [
          await back(tf.tensor(out!)),
          ...(await Promise.all(tf.split(tf.tensor(gradient!, [B * L, 3 * H * D]), 3, 1).map(back))),
        ]
        got.forEach((values, i) => {
          expect(relativeError(values as Float32Array, want[i]!), `${i}`).toBeLessThan(i === 0 ? 1e-5 : 1e-4)
        })
      }
    },
  )

  it('stores what it is given as a float16 next to it, in half the memory', async () => {
    const numbers = [0, 1, -2, 1 / 3, 1e-4, 65504, 2049, 2051, ...normal(56)]
    const x = tf.tensor(numbers, [2, 1, 4, 8]) as tf.Tensor4D
    const before = tf.memory().numBytes
    const stored = toHalf(x)
    expect(tf.memory().numBytes - before).toBe(numbers.length * 2)
    const words = new Uint16Array((await stored.data()).buffer)
    for (const [i, x] of numbers.entries()) {
      const got = fromBits(words[i]!)
      expect(got).toBe(toFloat16(got))
      expect(Math.abs(got - x), `${x}`).toBeLessThanOrEqual(toFloat16(x) === x ? 0 : 2 ** -10 * Math.abs(x))
    }
    const beyond = await toHalf(tf.tensor([1, 2, 3, 65520])).data()
    expect(Array.from(new Uint16Array(beyond.buffer), fromBits)).toEqual(Array(4).fill(Number.NaN))
  })

  it('refuses to store as float16 what it does not compute', () => {
    const [q, k, v] = prepare({ dims: [1, 1, 4, 4, 18], kind: 'none' }).inputs as tf.Tensor4D[]
    const options = {
      bias: { kind: 'none' },
      trainBias: false,
      queriesPerTile: 4,
      attentionStorage: 'float16',
    } as const
    expect(() => attention(q!, k!, v!, options)).toThrow(
      /^attention: expected a kernel for float16 storage with headDim 18, got fused takes a headDim that is a multiple of 4 up to 128; skipping has no float16 storage; windowed has no float16 storage; tiled has no float16 storage; leave out what they do not take, or pass a kernel that does$/,
    )
  })

  it.each(Object.entries(long))(`skips what has no weight, and that alone: %s (seed ${seed})`, async (_name, each) => {
    const [B, H, Q, K, D] = each.dims
    const { inputs, weight, makeBias, options, biasOf, q, k } = prepare(each)
    const [queries, keys, values, numbers] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor?]
    const fixed = { ...options(makeBias(numbers)), trainBias: false }
    const compute = (...[q, k, v]: tf.Tensor[]) =>
      fusedAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, fixed)
    const expected = rulesByTile(each.dims, q, k, biasOf)
    let skipped = 0
    for (let tile = 0; tile * T < K; tile++) {
      // NaN among the values of a tile shows in whatever visits it, as 0·NaN is NaN: in the output and the gradients.
      const end = Math.min(K, T * tile + T)
      const parts = [tf.slice(values, 0, [B, H, T * tile, D]), tf.fill([B, H, end - T * tile, D], Number.NaN)]
      const holed = tf.concat([...parts, tf.slice(values, [0, 0, end, 0])], 2)
      const got = await results(compute, [queries, keys, holed], tensor(weight, [B, H, Q, D]))
      const [out, dq, dk] = got.map((x) => x as Float32Array)
      for (let bh = 0; bh < B * H; bh++) {
        const tiles = expected(bh, tile)
        const visited = tiles.map(({ from, to }) =>
          out!.slice((bh * Q + from) * D, (bh * Q + to) * D).some(Number.isNaN),
        )
        for (const [i, { mustVisit, mustSkip, from, to }] of tiles.entries()) {
          const where = `row ${Math.floor(bh / H)}, head ${bh % H}, tiles ${i}, ${tile}`
          if (mustVisit) expect(visited[i], where).toBe(true)
          if (mustSkip) expect(visited[i], where).toBe(false)
          expect(dq!.slice((bh * Q + from) * D, (bh * Q + to) * D).some(Number.isNaN), `dq, ${where}`).toBe(visited[i])
          skipped += Number(mustSkip)
        }
        const keyGradient = dk!.slice((bh * K + T * tile) * D, (bh * K + end) * D)
        expect(keyGradient.some(Number.isNaN), `dk, head ${bh % H}, tile ${tile}`).toBe(visited.includes(true))
      }
    }
    expect(skipped).toBeGreaterThan(0)
  })

  it('leaves to the tile-by-tile path what it does not do', () => {
    const none = { bias: { kind: 'none' } as const, trainBias: false }
    const problem = problemOf({ batchSize: 1, numHeads: 1, numKeys: 4, headDim: 16 }, none)
    expect(refusal(fused, problem)).toBeUndefined()
    expect(refusal(fused, { ...problem, asks: ['tile bias', 'dropout'] })).toBe('has no tile bias, no dropout')
    expect(refusal(fused, { ...problem, headDim: 18 })).toBe('takes a headDim that is a multiple of 4 up to 128')
    expect(refusal(fused, { ...problem, headDim: 256 })).toBe('takes a headDim that is a multiple of 4 up to 128')
    expect(refusal(fused, { ...problem, backend: 'wasm' })).toBe('runs on webgpu, not on wasm')
  })
})

it('has the right gradients to compare with', () => {
  const dims = [2, 2, 3, 5, 4] as const
  const [B, H, Q, K, D] = dims
  const inputs = [normal(B * H * Q * D), normal(B * H * K * D), normal(B * H * K * D)]
  const weight = normal(B * H * Q * D)
  const bias = (h: number, i: number, j: number) => -(h + 1) * (i - j) * 0.3
  const gradients = attentionGradients64(dims, inputs[0]!, inputs[1]!, inputs[2]!, bias, weight)
  for (const i of [0, 1, 2]) {
    const numeric = differences64((q, k, v) => attention64(dims, q!, k!, v!, bias), inputs, i, weight)
    expect(relativeError(gradients[i]!, numeric)).toBeLessThan(1e-7)
  }
})
