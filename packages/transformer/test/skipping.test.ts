import { selectBackend } from '@alibi/backend'
import { seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { attention64 } from '../src/conformance/float64.js'
import { attention } from '../src/kernels/attention/attention.js'
import type { AttentionBias } from '../src/kernels/attention/bias.js'
import { run } from '../src/kernels/attention/kernel.js'
import { keyRanges } from '../src/kernels/attention/skipping/key-ranges.js'
import { skipping } from '../src/kernels/attention/skipping/long-attention.js'
import { scoreBounds } from '../src/kernels/attention/skipping/score-bounds.js'
import { LARGEST_SCORE, skippingAttention } from '../src/kernels/attention/skipping/skipping.js'
import { seed } from './seed.js'

beforeAll(async () => {
  await selectBackend()
})

const random = seededRandom(seed)
const normal = (size: number, scale = 1) =>
  Float64Array.from({ length: size }, () => Math.fround(scale * 3 * (random() + random() + random() + random() - 2)))

/** fp32 has 6e-8; a row has two sums of up to 700 products, of weights that are three roundings off each. */
const FP32 = 2e-6

const [B, H, D] = [1, 3, 4]
const slopes = [0.5, 0.125, 1 / 256]

async function compare(Q: number, K: number, inputs: readonly Float64Array[], tileSize = 16) {
  const shape = (length: number): [number, number, number, number] => [B, H, length, D]
  const [q, k, v] = inputs.map((data, i) => tf.tensor4d(Float32Array.from(data), shape(i ? K : Q)))
  const bounds = scoreBounds(q!, k!, tileSize)
  if (bounds.some(({ upper }) => Math.max(...upper) > LARGEST_SCORE)) return undefined
  const ranges = keyRanges({ slopes }, bounds, { numQueries: Q, numKeys: K, tileSize, tolerance: 0 })
  const { output, scores } = skippingAttention(q!, k!, v!, slopes, ranges, tileSize)
  const want = attention64([B, H, Q, K, D], inputs[0]!, inputs[1]!, inputs[2]!, (h, i, j) => -slopes[h]! * (i - j))
  return { error: relativeError(await output.data(), want), scores }
}

/** Relative to the largest value, so that tiny values do not count alone. */
function relativeError(got: ArrayLike<number>, want: Float64Array): number {
  const scale = want.reduce((top, value) => Math.max(top, Math.abs(value)), 0)
  return want.reduce((worst, value, i) => Math.max(worst, Math.abs(got[i]! - value)), 0) / scale
}

describe(`attention that skips (seed ${seed})`, () => {
  it.each([
    [700, 700],
    [50, 700],
    [16, 16],
    [37, 90],
  ])('gives what computing every key gives, %i queries of %i tokens', async (Q, K) => {
    const inputs = [normal(B * H * Q * D), normal(B * H * K * D), normal(B * H * K * D)]
    const result = await compare(Q, K, inputs)
    expect(result!.error).toBeLessThan(FP32)
  })

  it('skips what the formula says, and nothing else', async () => {
    const L = 1024
    const inputs = [normal(H * L * D, 0.1), normal(H * L * D, 0.1), normal(H * L * D)]
    const { scores } = (await compare(L, L, inputs, 64))!
    const norms = (data: Float64Array, head: number) =>
      Math.max(
        ...Array.from({ length: L }, (_, i) =>
          Math.hypot(...data.subarray((head * L + i) * D, (head * L + i + 1) * D)),
        ),
      )
    // The steep head's reach by the largest norms anywhere is at least that of any tile.
    const reach = (104 + (2.001 * norms(inputs[0]!, 0) * norms(inputs[1]!, 0)) / Math.sqrt(D)) / slopes[0]!
    const all = (L / 64) * 64 * 64 * ((L / 64 + 1) / 2)
    const steep = scores - 2 * all
    // Rounded to whole tiles, twice.
    expect(steep).toBeLessThan(L * (reach + 2 * 64))
    expect(steep).toBeGreaterThan(L * 100)
  })

  it('never leaves out a key that counts: a huge score far away', async () => {
    const L = 600
    for (const strength of [1, 2, 4, 5, 100]) {
      const inputs = [normal(H * L * D, 0.1), normal(H * L * D, 0.1), normal(H * L * D)]
      // The first key and the last query agree as strongly as they can; the last query sees the first key at 599.
      for (let h = 0; h < H; h++)
        for (let d = 0; d < D; d++) {
          inputs[0]![(h * L + L - 1) * D + d] = strength
          inputs[1]![h * L * D + d] = strength
        }
      const result = await compare(L, L, inputs)
      // Too large for sums without a maximum: the ordinary way takes over.
      if (strength >= 5) expect(result).toBeUndefined()
      else expect(result!.error).toBeLessThan(FP32)
    }
  })
})

describe(`a long pass (seed ${seed})`, () => {
  const L = 1100
  const inputs = (strength: number) => [
    normal(H * L * D, strength),
    normal(H * L * D, strength),
    normal(H * L * D).map((value) => Math.abs(value)),
  ]
  const linear = (): AttentionBias => ({
    kind: 'linear',
    slopes: tf.tensor1d(slopes),
    queries: tf.range(0, L, 1, 'int32'),
    keys: tf.range(0, L, 1, 'int32'),
    consecutive: true,
  })
  /** KERPLE's power kernel, two heads that reach 190 and 790 tokens; and buckets that do not fall. */
  const value = (h: number, d: number) =>
    [-0.9 * d ** 0.9, -0.3 * d ** 0.88, Math.sin(Math.floor(Math.log2(d + 1)))][h]!
  const table = (): AttentionBias => ({
    kind: 'table',
    table: tf.tensor2d(Array.from({ length: H }, (_, h) => Array.from({ length: L }, (_, d) => value(h, d)))),
  })

  const attend = (data: readonly Float64Array[], bias: AttentionBias, skipTolerance?: number) =>
    counted(data, (q, k, v) =>
      attention(q, k, v, { bias, queriesPerTile: 64, skipTolerance, attentionKernels: ['skipping'] }),
    )

  /** Attention and how many scores were products of queries and keys. */
  async function counted(
    data: readonly Float64Array[],
    attend: (...qkv: [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]) => tf.Tensor,
  ) {
    const [q, k, v] = data.map((x) => tf.tensor4d(Float32Array.from(x), [B, H, L, D]))
    const { kernels, result } = await tf.profile(() => attend(q!, k!, v!))
    const products = kernels.filter(({ name }) => /BatchMatMul/.test(name)).map(({ outputShapes }) => outputShapes[0]!)
    const scores = products.filter((shape) => shape.at(-1)! > D + 1).map((shape) => shape.reduce((a, b) => a * b, 1))
    return { got: await (result as tf.Tensor).data(), scores: scores.reduce((a, b) => a + b, 0) }
  }
  const every = (H * L * (L + 64)) / 2

  it('skips under scores too large for sums without a maximum', async () => {
    const data = inputs(3)
    const { got, scores } = await attend(data, linear())
    const want = attention64([B, H, L, L, D], data[0]!, data[1]!, data[2]!, (h, i, j) => -slopes[h]! * (i - j))
    // Scores reach 300: their five roundings, 6e-8 of it each, are an error of the exponent and so of the weight.
    expect(relativeError(got, want)).toBeLessThan(1e-4)
    expect(scores).toBeLessThan(every)
  })

  it('skips under any bias that falls with distance, by head', async () => {
    const data = inputs(0.1)
    const { got, scores } = await attend(data, table())
    const want = attention64([B, H, L, L, D], data[0]!, data[1]!, data[2]!, (h, i, j) => value(h, i - j))
    expect(relativeError(got, want)).toBeLessThan(FP32)
    // Of the third head all, of the others the keys within their reach, in tiles of 64.
    const within = [196, 767].map((reach) => every / H - (L - reach) ** 2 / 2)
    expect(scores).toBeGreaterThan(every / H + within[0]! + within[1]!)
    expect(scores).toBeLessThan(every / H + within[0]! + within[1]! + 2 * 2 * 64 * L)
  })

  it('skips under a gate, by head', async () => {
    const data = inputs(0.1)
    // Two heads that reach about 210 and 700 tokens, and one that reaches all.
    const rates = [0.5, 0.15, 1e-3]
    const sums = new Float64Array(H * L)
    for (let i = 0; i < H * L; i++)
      sums[i] = Math.fround((i % L ? sums[i - 1]! : 0) - rates[Math.floor(i / L)]! * (1 + Math.sin(i * i)))
    const gate = tf.tensor3d(Float32Array.from(sums), [B, H, L])
    const sizes = { batchSize: B, numHeads: H, numQueries: L, numKeys: L, headDim: D, queriesPerTile: 64 }
    const problem = { ...sizes, backend: tf.getBackend(), asks: ['gate'] as const, trains: false, skipTolerance: 0 }
    const { got, scores } = await counted(data, (q, k, v) =>
      run(skipping, problem, { q, k, v, bias: { kind: 'none' }, gate }),
    )
    const gained = (h: number, i: number, j: number) => sums[h * L + i]! - sums[h * L + j]!
    const want = attention64([B, H, L, L, D], data[0]!, data[1]!, data[2]!, gained)
    expect(relativeError(got, want)).toBeLessThan(FP32)
    // Scores themselves are below 1 here. A tile has the keys of its first query, and is rounded to tiles where it skips.
    const above = (least: number) => {
      let pairs = 0
      for (let h = 0; h < H; h++)
        for (let i = 0; i < L; i++) for (let j = 0; j <= i; j++) pairs += Number(gained(h, i, j) > least)
      return pairs
    }
    expect(scores).toBeGreaterThan(above(-103))
    expect(scores).toBeLessThan(above(-107) + 5 * 64 * L)
    expect(scores).toBeLessThan(0.85 * every)
  })

  it.each(['linear', 'table'] as const)('leaves out no more than the share that is asked for: %s', async (kind) => {
    const data = inputs(0.1)
    const bias = kind === 'linear' ? linear : table
    const exact = await attend(data, bias())
    const most = Math.max(...data[2]!)
    let before = exact.scores
    for (const share of [1e-6, 1e-3, 0.1]) {
      const { got, scores } = await attend(data, bias(), share)
      // Leaving out a share t of the weights moves a mean of values in [0, most] by at most t·most.
      let moved = 0
      for (let i = 0; i < got.length; i++) moved = Math.max(moved, Math.abs(got[i]! - exact.got[i]!))
      expect(moved).toBeLessThan(share * most + FP32 * most)
      expect(scores).toBeLessThanOrEqual(before)
      before = scores
    }
    if (kind === 'table') expect(before).toBeLessThan(0.8 * exact.scores)
  })
})

it('reaches as far as a weight can be more than zero', () => {
  const shape = { numKeys: 4096, numQueries: 4096, tileSize: 128, tolerance: 0 }
  const tile = { upper: [3, 3, 0, 3], own: [-3, -3, 0, 1] }
  const ranges = keyRanges({ slopes: [0.5, 0, 0.25, 0.5] }, Array(32).fill(tile), shape)
  const { start, first } = ranges[31]!
  expect(start).toBe(3968)
  // (104 + 3 + 3)/0.5 = 220 tokens; a slope of 0 reaches everything; without scores 104/0.25 = 416; with a
  // score of 1 on the own key (104 + 2)/0.5 = 212.
  expect(first).toEqual([3968 - 220, 0, 3968 - 416, 3968 - 212])
  for (const [distance, head] of [
    [220, 0],
    [416, 2],
  ] as const)
    expect(Math.fround(Math.exp(2 * [3, 3, 0][head]! - [0.5, 0, 0.25][head]! * (distance + 1)))).toBe(0)
})

it('reaches less far for a share of the weight', () => {
  const shape = { numKeys: 4096, numQueries: 4096, tileSize: 128, tolerance: 1e-3 }
  const tile = { upper: [3, 3], own: [1, 1] }
  const slopes = [0.5, 1 / 256]
  const ranges = keyRanges({ slopes }, Array(32).fill(tile), shape)
  for (const [head, slope] of slopes.entries()) {
    const reach = ranges[31]!.start - ranges[31]!.first[head]!
    const beyond = (R: number) => {
      let mass = 0
      for (let d = R + 1; d < 100_000; d++) mass += Math.exp(2 - slope * d)
      return mass
    }
    // No less than the share allows, and at most a token more.
    expect(beyond(reach + 1)).toBeLessThan(1e-3)
    expect(beyond(reach - 1)).toBeGreaterThan(1e-3)
  }
  const table = slopes.flatMap((slope) => Array.from({ length: 4096 }, (_, d) => -slope * d))
  const fromTable = keyRanges({ table, length: 4096 }, Array(32).fill(tile), shape)
  const difference = fromTable[31]!.first.map((first, head) => first - ranges[31]!.first[head]!)
  expect(Math.abs(difference[0]!)).toBeLessThanOrEqual(1)
  // A table has an end, and so less beyond; 49 tokens' worth for a slope that is still e⁻¹⁶ there.
  expect(difference[1]).toBeGreaterThanOrEqual(0)
})

it('reaches through a gate as far as any row of a batch, and less far with a bias or for a share', () => {
  const shape = { numKeys: 1024, numQueries: 1024, tileSize: 128, tolerance: 0 }
  const tile = { upper: [2], own: [-2] }
  const sums = (rate: number) => Array.from({ length: 1024 }, (_, i) => -rate * i)
  const gate = Float32Array.from([...sums(1), ...sums(0.5)])
  const first = (bias: Parameters<typeof keyRanges>[0], tolerance = 0, rows = gate) =>
    keyRanges(bias, Array(8).fill(tile), { ...shape, tolerance }, rows)[7]!.first[0]
  const none = { slopes: [0] }
  // (104 + 2 + 2)/0.5 = 216 tokens before the tile's first query, at 896; of the other row 108.
  expect(first(none)).toBe(896 - 216)
  expect(first(none, 0, Float32Array.from([...sums(1), ...sums(1)]))).toBe(896 - 108)
  expect(first({ slopes: [0.5] })).toBe(896 - 108)
  // A table that rises again far away: what counts is the most that a distance or a farther one has.
  const table = (rise: number) => Array.from({ length: 1024 }, (_, d) => (d === 0 ? 0 : d === 1000 ? rise : -54))
  expect(first({ table: table(-54), length: 1024 })).toBe(896 - 108)
  expect(first({ table: table(0), length: 1024 })).toBe(896 - 216)
  // e⁴·e^(−R/2)/(1 − e^(−1/2)) is below a thousandth from R = 24 on.
  expect(first(none, 1e-3)).toBe(896 - 23)
})
