import { conformanceCases } from '@alibi/core/conformance'
import { describe, expect, it } from 'vitest'
import { myStrategy } from '../src/index.js'

/** The formula once more, written out: the suite holds the strategy to it. */
const bias = (head: number, query: number, key: number) => -(2 ** -(head + 1)) * Math.sqrt(query - key)

describe.each([1, 3, 8])('%i heads', (numHeads) => {
  for (const { name, run } of conformanceCases(myStrategy({ numHeads }), { bias })) it(name, run)
})

it('refuses a number of heads that is none, and an option that there is not', () => {
  expect(() => myStrategy({ numHeads: 8, numHead: 4 } as never)).toThrow('did you mean numHeads?')
  expect(() => myStrategy({ numHeads: 0 })).toThrow('myStrategy: expected an integer numHeads ≥ 1, got 0')
})
