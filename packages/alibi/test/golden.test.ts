import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { alibiSlopes } from '../src/index.js'

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
