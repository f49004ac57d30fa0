import { readFileSync } from 'node:fs'
import {
  initialParameters,
  type ParameterValues,
  positionRange,
  type ReferenceTensor,
  reference,
  scoreBias,
} from '@alibi/core'
import { describe, expect, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { fire } from '../src/index.js'

interface Case {
  readonly threshold: number
  readonly parameters: Record<string, { shape: number[]; data: number[] }>
  readonly bias: number[][][]
  readonly gradients: Record<string, number[]>
}
const golden: { cases: Case[] } = JSON.parse(readFileSync(new URL('golden/bias.json', import.meta.url), 'utf8'))

describe.each(golden.cases)(
  'of PyTorch with a threshold of $threshold',
  ({ threshold, parameters, bias, gradients }) => {
    const { bias: scores } = fire({ numHeads: 3, width: 4, threshold })
    const values = (of: ParameterValues<ReferenceTensor>) =>
      scoreBias(reference, scores!, of, positionRange(0, 7), positionRange(0, 7))
    const given = Object.fromEntries(
      Object.entries(parameters).map(([name, { shape, data }]) => [name, reference.tensor(data, shape)]),
    )

    it('has its biases', () => {
      expect(values(given)).toBeAllclose(bias, { rtol: 1e-10, atol: 1e-10 })
    })

    it('has its gradients', async () => {
      const got = await numericGradients.gradients((of) => [values(of)], given)
      // Central differences of step 1e-4.
      for (const [name, want] of Object.entries(gradients))
        expect(got[name]!).toBeAllclose(want, { rtol: 1e-5, atol: 1e-5 })
    })
  },
)

it('sees the whole context of later queries as the same, however long it is', () => {
  const { bias, parameters } = fire({ numHeads: 2, threshold: 16 })
  const values = initialParameters(reference, parameters)
  const first = (query: number) => scoreBias(reference, bias, values, Int32Array.of(query), Int32Array.of(0))
  // Its share is 1, but for the epsilon of 1e-6.
  expect(first(5000)).toBeAllclose(first(50), { rtol: 1e-5, atol: 1e-5 })
  expect([...first(8).data]).not.toEqual([...first(50).data])
})

it('refuses what it cannot be', () => {
  expect(() => fire({ numHeads: 0 })).toThrow('fire: expected an integer numHeads ≥ 1, got 0')
  expect(() => fire({ numHeads: 1, width: 0 })).toThrow('an integer width ≥ 1, got 0')
  expect(() => fire({ numHeads: 1, threshold: -1 })).toThrow('a finite threshold > 0, got -1')
})
