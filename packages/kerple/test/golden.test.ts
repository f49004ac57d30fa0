import { readFileSync } from 'node:fs'
import { initialParameters, type ParameterValues, positionRange, reference, scoreBias } from '@alibi/core'
import { describe, expect, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { type KerpleOptions, kerple } from '../src/index.js'

interface Case {
  readonly kernel: 'log' | 'power'
  readonly r1: number[]
  readonly r2: number[]
  readonly bias: number[][][]
  readonly gradients: Record<string, number[]>
}
const golden: { cases: Case[] } = JSON.parse(readFileSync(new URL('golden/bias.json', import.meta.url), 'utf8'))
const vector = (values: number[]) => reference.tensor(values, [values.length])
const positions = positionRange(0, 9)

describe.each(golden.cases)('$kernel, as the authors have it', ({ kernel, r1, r2, bias, gradients }) => {
  const strategy = kerple({ numHeads: r1.length, kernel })
  const values = (parameters: ParameterValues<ReturnType<typeof vector>>) =>
    scoreBias(reference, strategy.bias, parameters, positions.subarray(4), positions)

  it('has their bias, of the last queries, up to the diagonal', () => {
    const got = values({ r1: vector(r1), r2: vector(r2) })
    const causal = got.data.map((x, i) => (i % 9 <= 4 + (Math.floor(i / 9) % 5) ? x : 0))
    expect(reference.tensor(causal, got.shape)).toBeAllclose(bias, { rtol: 1e-11, atol: 1e-12 })
  })

  it('has their gradients', async () => {
    // Of distances 0 to 8, as core's gradients are of every value.
    const row = (parameters: ParameterValues<ReturnType<typeof vector>>) => [
      scoreBias(reference, strategy.bias, parameters, Int32Array.of(8), positions),
    ]
    const got = await numericGradients.gradients(row, { r1: vector(r1), r2: vector(r2) })
    // Central differences of step 1e-4 where r₂ is 0.01.
    for (const name of ['r1', 'r2']) expect(got[name]!).toBeAllclose(gradients[name]!, { rtol: 1e-5, atol: 1e-6 })
  })
})

it('starts where the authors do: uniform, of each kernel up to its bounds', () => {
  const starts = (options: Partial<KerpleOptions>, name: string) =>
    [...initialParameters(reference, kerple({ numHeads: 1000, ...options }).parameters)[name]!.data].sort(
      (a, b) => a - b,
    )
  for (const [kernel, name, high] of [
    ['log', 'r1', 2],
    ['log', 'r2', 1],
    ['power', 'r1', 1],
    ['power', 'r2', 2],
  ] as const) {
    const sorted = starts({ kernel }, name)
    // 1000 uniform numbers: quartiles within 6 standard deviations.
    for (const share of [0.25, 0.5, 0.75]) expect(Math.abs(sorted[1000 * share]! / high - share)).toBeLessThan(0.1)
    expect(sorted[0]).toBeGreaterThanOrEqual(0)
    expect(sorted.at(-1)).toBeLessThan(high)
  }
})

it('folds parameters beyond their bounds back', () => {
  const bias = (kernel: 'log' | 'power', r1: number, r2: number) => [
    ...scoreBias(
      reference,
      kerple({ numHeads: 1, kernel }).bias,
      { r1: vector([r1]), r2: vector([r2]) },
      Int32Array.of(8),
      positions,
    ).data,
  ]
  expect(bias('log', -1.5, -0.5)).toEqual(bias('log', 1.5, 0.5))
  expect(bias('power', -1.5, -0.5)).toEqual(bias('power', 1.5, 0.5))
  expect(bias('power', 1, 2.5)).toEqual(bias('power', 1, 1.5))
})

it('refuses what it cannot be', () => {
  expect(() => kerple({ numHeads: 0 })).toThrow('kerple: expected an integer numHeads ≥ 1, got 0')
  expect(() => kerple({ numHeads: 1, kernel: 'linear' as never })).toThrow('kernel as one of log,power, got linear')
})
