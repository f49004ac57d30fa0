import { selectBackend } from '@alibi/backend'
import { seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { keyRanges, skippingAttention } from '../src/kernels/skipping.js'
import { attention64 } from './float64.js'

beforeAll(async () => {
  await selectBackend()
})

const seed = Date.now() % 1_000_000
const random = seededRandom(seed)
const normal = (size: number, scale = 1) =>
  Float64Array.from({ length: size }, () => Math.fround(scale * 3 * (random() + random() + random() + random() - 2)))

/** fp32 has 6e-8; a row has two sums of up to 700 products, of weights that are three roundings off each. */
const FP32 = 2e-6

const [B, H, D] = [1, 3, 4]
const slopes = [0.5, 0.125, 1 / 256]

async function compare(Q: number, K: number, inputs: readonly Float64Array[], blockSize = 16) {
  const shape = (length: number): [number, number, number, number] => [B, H, length, D]
  const [q, k, v] = inputs.map((data, i) => tf.tensor(Float32Array.from(data), shape(i ? K : Q)))
  const skipped = skippingAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, slopes, { blockSize })
  if (!skipped) return undefined
  const want = attention64([B, H, Q, K, D], inputs[0]!, inputs[1]!, inputs[2]!, (h, i, j) => -slopes[h]! * (i - j))
  const got = await skipped.output.data()
  // Errors relative to the largest value, so that tiny values do not count alone.
  const scale = want.reduce((top, value) => Math.max(top, Math.abs(value)), 0)
  return { error: want.reduce((worst, value, i) => Math.max(worst, Math.abs(got[i]! - value)), 0) / scale, ...skipped }
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

it('reaches as far as a weight can be more than zero', () => {
  const shape = { headDim: 4, numKeys: 4096, numQueries: 4096, blockSize: 128, tolerance: 0 }
  const tile = { queryNorms: [2, 2, 0, 2], ownScores: [-3, -3, 0, 1] }
  const ranges = keyRanges([0.5, 0, 0.25, 0.5], Array(32).fill(tile), [3, 3, 3, 3], shape)
  const { start, first } = ranges[31]!
  expect(start).toBe(3968)
  // U = 2·3/√4 = 3: (104 + 6)/0.5 = 220 tokens; a slope of 0 reaches everything; without scores 104/0.25 = 416; with a
  // score of 1 on the own key (104 + 2)/0.5 = 212.
  expect(first).toEqual([3968 - 220, 0, 3968 - 416, 3968 - 212])
  for (const [distance, head] of [
    [220, 0],
    [416, 2],
  ] as const)
    expect(Math.fround(Math.exp(2 * [3, 3, 0][head]! - [0.5, 0, 0.25][head]! * (distance + 1)))).toBe(0)
})
