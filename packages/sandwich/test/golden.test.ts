import { readFileSync } from 'node:fs'
import { positionRange, reference, scoreBias } from '@alibi/core'
import { expect, it } from 'vitest'
import { type SandwichOptions, sandwich } from '../src/index.js'

const golden: { cases: (Required<SandwichOptions> & { scores: number[][]; weights: number[][] })[] } = JSON.parse(
  readFileSync(new URL('golden/bias.json', import.meta.url), 'utf8'),
)

it.each(golden.cases)(
  'is the product of sinusoids with each other: $numHeads heads, width $width, base $base',
  (each) => {
    const { scores, weights, ...options } = each
    const { numHeads, width } = options
    const { data } = scoreBias(reference, sandwich(options).bias, {}, Int32Array.of(59), positionRange(0, 60))
    // Theirs has the diagonal's width/2, divided as the rest.
    const theirs = data.map((x, i) => x + (width / 2) * (numHeads / (8 * (Math.floor(i / 60) + 1))))
    expect(reference.tensor(theirs, [numHeads, 60])).toBeAllclose(scores, { rtol: 1e-10, atol: 1e-9 })
    const exps = reference.tensor(data.map(Math.exp), [numHeads, 60])
    const sums = reference.matmul(exps, reference.tensor(new Float64Array(60).fill(1), [60, 1]))
    expect(reference.div(exps, sums)).toBeAllclose(weights, { rtol: 1e-9, atol: 1e-12 })
  },
)

it('is 0 on the diagonal and negative behind', () => {
  const { data } = scoreBias(reference, sandwich({ numHeads: 1 }).bias, {}, Int32Array.of(2000), positionRange(0, 2001))
  expect(data[2000]).toBe(0)
  for (const value of data.slice(0, 2000)) expect(value).toBeLessThan(0)
})

it('refuses what it cannot be', () => {
  expect(() => sandwich({ numHeads: 0 })).toThrow('sandwich: expected an integer numHeads ≥ 1, got 0')
  expect(() => sandwich({ numHeads: 1, width: 7 })).toThrow('an even width, got 7')
  expect(() => sandwich({ numHeads: 1, base: 0 })).toThrow('a finite base > 0, got 0')
})
