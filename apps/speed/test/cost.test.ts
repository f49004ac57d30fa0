// Bytes and operations of known kernels, counted by hand.
import { expect, it } from 'vitest'
import { costOf, leastSeconds } from '../src/gpu/cost.js'
import { kernelCosts, kernelTable } from '../src/gpu/kernels.js'

const [x, scale] = [
  { name: 'x', shape: [3, 8] },
  { name: 'scale', shape: [8] },
]

it('counts a product of matrices', () => {
  // [2, 3, 4] · [2, 4, 5]: 30 sums of 4 products; 24 + 40 + 30 numbers.
  const product = { inputs: [{ shape: [2, 3, 4] }, { shape: [2, 4, 5] }], outputs: [{ shape: [2, 3, 5] }] }
  expect(costOf({ name: 'MatMulPackedProgram', ...product })).toEqual({ bytes: 4 * 94, operations: 30 * 4 * 2 })
  const transposed = { ...product, inputs: [{ shape: [2, 4, 3] }, { shape: [2, 4, 5] }], uniforms: { transposeA: 1 } }
  expect(costOf({ name: 'MatMulPackedProgram', ...transposed }).operations).toBe(30 * 4 * 2)
})

it('counts rows: a layer norm, and what is updated in place', () => {
  // x, scale and shift in; the result and two statistics a row out.
  const norm = { inputs: [x, scale, scale], outputs: [x, { name: 'stats', shape: [3, 2] }] }
  expect(costOf({ name: 'layer norm', ...norm })).toEqual({ bytes: 4 * (24 + 8 + 8 + 24 + 6), operations: 8 * 24 })
  // A gradient, three hyperparameters and a factor are read; two moments and the weights are read and written.
  const adamw = { inputs: [{ shape: [10] }, { shape: [3] }, { shape: [1] }], inPlace: true }
  const outputs = [{ shape: [10] }, { shape: [10] }, { shape: [2, 5] }]
  expect(costOf({ name: 'AdamW', ...adamw, outputs })).toEqual({ bytes: 4 * (14 + 2 * 30), operations: 14 * 10 })
})

it('counts attention over the keys that each query sees', () => {
  // 2 heads of 4 dimensions, 3 queries that see 1, 2 and 3 keys: 6 pairs, 12 with both heads.
  const qkv = { name: 'qkv', shape: [3, 24] }
  const out = { name: 'out', shape: [3, 8] }
  const forward = { inputs: [qkv], outputs: [out, { name: 'logSums', shape: [2, 3, 2] }] }
  const uniforms = { numQueries: 3, numKeys: 3 }
  expect(costOf({ name: 'attention', ...forward, uniforms })).toEqual({
    bytes: 4 * (72 + 24 + 12),
    // q·k and the sum of values: 2 products of 4 multiplications and additions.
    operations: 12 * 2 * 8,
  })
  const backward = {
    inputs: [qkv, { name: 'dOut', shape: [3, 8] }],
    outputs: [{ name: 'dqkv', shape: [3, 24] }],
    uniforms,
  }
  expect(costOf({ name: 'attention gradient of queries', ...backward }).operations).toBe(12 * 3 * 8)
  expect(costOf({ name: 'attention gradient of keys and values', ...backward }).operations).toBe(12 * 4 * 8)
  // The last of 10 with a window of 2 and one first key: 3 keys for each of 3 queries, 2 heads.
  const within = { numQueries: 3, numKeys: 10, window: 2, sinks: 1 }
  expect(costOf({ name: 'attention', ...forward, uniforms: within }).operations).toBe(2 * 9 * 2 * 8)
})

it('bounds by memory or by arithmetic, and puts first what loses most', () => {
  const rates = { copyBytesPerSecond: 100, productFlopPerSecond: 1000 }
  expect(leastSeconds({ bytes: 200, operations: 1000 }, rates)).toBe(2)
  expect(leastSeconds({ bytes: 200, operations: 5000 }, rates)).toBe(5)
  // 36 bytes and 3 operations each; the product has 12 bytes and 2 operations.
  const add = { name: 'add', inputs: [{ shape: [3] }, { shape: [3] }], outputs: [{ shape: [3] }] }
  const one = { shape: [1, 1] }
  const product = { name: 'MatMulProgram', inputs: [one, one], outputs: [one] }
  const costs = kernelCosts(
    [
      { dispatch: product, seconds: 0.125 },
      { dispatch: add, seconds: 0.5 },
      { dispatch: add, seconds: 1.5 },
    ],
    rates,
  )
  expect(costs).toEqual([
    { name: 'add', dispatches: 2, bytes: 72, operations: 6, leastSeconds: 0.72, seconds: 2 },
    { name: 'MatMulProgram', dispatches: 1, bytes: 12, operations: 2, leastSeconds: 0.12, seconds: 0.125 },
  ])
  const [, , row] = kernelTable('a step', costs)
  expect(row).toMatch(/\| add +\| +2 \| +0\.00 \| +0 \| +720\.000 \| +2000\.000 \| +2\.8 \|/)
  // Without timestamps there is no time, and no claim.
  expect(kernelTable('a step', kernelCosts([{ dispatch: add, seconds: undefined }], rates))[2]).toMatch(/\| +\| +\|$/)
})
