import { initialParameters, reference as ops, positionRange } from '@alibi/core'
import { expect, it } from 'vitest'
import { learned, sinusoidal } from '../src/index.js'

const rows = (options: Parameters<typeof sinusoidal>[0], ...positions: number[]) => [
  ...sinusoidal(options).embedding.evaluate(ops, {}, Int32Array.from(positions)).data,
]

it('interleaves as Vaswani et al.', () => {
  expect(rows({ modelDim: 4 }, 3)).toEqual([Math.sin(3), Math.cos(3), Math.sin(3 / 100), Math.cos(3 / 100)])
})

it('puts sines first and counts from 2 as fairseq', () => {
  const a = 5
  expect(rows({ modelDim: 4, layout: 'fairseq' }, 3)).toEqual([
    Math.sin(a),
    Math.sin(a / 10_000),
    Math.cos(a),
    Math.cos(a / 10_000),
  ])
})

it('gives the tail of the long table from an offset', () => {
  const all = rows({ modelDim: 6 }, ...positionRange(0, 9))
  expect(rows({ modelDim: 6 }, ...positionRange(5, 4))).toEqual(all.slice(5 * 6))
  expect(() => sinusoidal({ modelDim: 5 })).toThrow('even modelDim, got 5')
})

it('learned throws past its table', () => {
  const strategy = learned({ modelDim: 2, maxPositions: 4 })
  const parameters = initialParameters(ops, strategy.parameters, 1)
  expect(strategy.embedding.evaluate(ops, parameters, Int32Array.of(3)).shape).toEqual([1, 2])
  expect(() => strategy.embedding.evaluate(ops, parameters, Int32Array.of(4))).toThrow(
    'from 0 to 3, got 4; take a shorter text',
  )
})
