import { type PositionStrategy, reference } from '@alibi/core'
import { conformanceCases } from '@alibi/core/conformance'
import { describe, expect, it } from 'vitest'
import { builtInStrategies, strategyNames } from '../src/index.js'

const names = strategyNames.filter((name) => name.startsWith('alibi-'))
const make = (name: string, numHeads = 4) =>
  builtInStrategies.make(name, { numHeads, modelDim: 16 * numHeads, trainLength: 128 })

describe.each(names)('%s', (name) => {
  for (const { name: what, run } of conformanceCases(() => make(name))) it(what, run)

  it('goes by its own name, in checkpoints too', () => expect(make(name).name).toBe(name))
})

const exponents = (strategy: PositionStrategy) => {
  const { bias } = strategy
  if (bias?.kind !== 'linear') throw new Error('expected a linear bias')
  return [...bias.slopes(reference, {}).data].map(Math.log2)
}

describe('the slopes, as powers of 2', () => {
  it.each([
    ['alibi', [-2, -4, -6, -8]],
    ['alibi-gentle', [-4, -6, -8, -10]],
    ['alibi-steep', [0, -2, -4, -6]],
    ['alibi-compressed', [-3.5, -4.5, -5.5, -6.5]],
    ['alibi-half', [-4, -8, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]],
  ])('of %s for 4 heads', (name, want) => expect(exponents(make(name))).toEqual(want))

  it('drawn are in the range of the geometric set, and the same again', () => {
    for (const name of ['alibi-drawn-1', 'alibi-drawn-2'])
      for (const exponent of exponents(make(name, 64))) {
        expect(exponent).toBeGreaterThanOrEqual(-8)
        expect(exponent).toBeLessThanOrEqual(-8 / 64)
      }
    expect(exponents(make('alibi-drawn-1'))).toEqual(exponents(make('alibi-drawn-1')))
    expect(exponents(make('alibi-drawn-1'))).not.toEqual(exponents(make('alibi-drawn-2')))
  })
})
