import { conformanceCases } from '@alibi/core/conformance'
import { describe, expect, it } from 'vitest'
import { myStrategy } from '../src/index.js'

/** The formula once more, written out: the suite holds the strategy to it. */
const bias = (head: number, distance: number) => -(2 ** -(head + 1)) * Math.sqrt(distance)

describe.each([1, 3, 8])('%i heads', (numHeads) => {
  for (const { name, run } of conformanceCases(myStrategy({ numHeads }), { bias })) it(name, run)
})

it('refuses a number of heads that is none', () => {
  expect(() => myStrategy({ numHeads: 0 })).toThrow('myStrategy: expected an integer numHeads ≥ 1, got 0')
})
