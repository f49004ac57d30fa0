import { readFileSync } from 'node:fs'
import { type BiasStrategy, positionRange, reference, scoreBias } from '@alibi/core'
import { expect, it } from 'vitest'
import { alibi, alibiSlopes } from '../src/index.js'

const golden = JSON.parse(readFileSync(new URL('golden/slopes.json', import.meta.url), 'utf8'))

/** Theirs are fp32 powers of fp32 bases: a few units of 2⁻²⁴ off. */
const FP32 = { rtol: 1e-6 }

it.each(Object.keys(golden.bloom).map(Number))('has the slopes of BLOOM and MPT for %i heads', (heads) => {
  expect(alibiSlopes(heads)).toBeAllclose(golden.bloom[heads], FP32)
  expect(alibiSlopes(heads)).toBeAllclose(golden.mpt[heads], FP32)
})

it.each([4, 12])('has the slopes of MPT with another maximum, for %i heads', (heads) => {
  expect(alibiSlopes(heads, 16)).toBeAllclose(golden.mptMaxBias16[heads], FP32)
})

const bias = (strategy: BiasStrategy, queries: Int32Array, numKeys: number) =>
  scoreBias(reference, strategy.bias, {}, queries, positionRange(0, numKeys))

it.each(['bloom', 'mpt'])('has the bias of %s for the last query', (name) => {
  const row = bias(alibi({ numHeads: 3 }), Int32Array.of(5), 6)
  expect(reference.reshape(row, [3, 6])).toBeAllclose(golden.lastRow[name], FP32)
})

it('has the author’s symmetric bias for encoders', () => {
  expect(bias(alibi({ numHeads: 4 }), positionRange(0, 5), 5)).toBeAllclose(golden.symmetric, FP32)
})

it('attends to equal scores as the author’s nonsymmetric bias, which masks with −∞', () => {
  const { data } = bias(alibi({ numHeads: 4, direction: 'nonsymmetric' }), positionRange(0, 5), 5)
  const exps = reference.tensor(data.map(Math.exp), [20, 5])
  const sums = reference.matmul(exps, reference.tensor([1, 1, 1, 1, 1], [5, 1]))
  expect(reference.div(exps, sums)).toBeAllclose(golden.nonsymmetricWeights.flat(), FP32)
})
