import { expect, test } from 'vitest'
import { allclose } from '../matchers/src/allclose.js'

test('toBeAllclose compares numbers, nested arrays, typed arrays and tensors', () => {
  expect(1).toBeAllclose(1 + 1e-6)
  expect([
    [1, 2],
    [3, 4],
  ]).toBeAllclose({ data: Float64Array.of(1, 2, 3, 4), shape: [2, 2] })
  expect(Float32Array.of(0.1)).toBeAllclose([0.1])
  expect([Number.NaN, Number.POSITIVE_INFINITY]).toBeAllclose([Number.NaN, Number.POSITIVE_INFINITY])
  expect([1]).not.toBeAllclose([1.1])
})

test('it says how many values differ and which is worst', () => {
  expect(allclose([1, 2, 3], [1, 2.5, 3.1])).toMatch(/2 are not; worst at flat index 1: expected 2.5, got 2/)
  expect(allclose([[1], [2]], [[1, 2]])).toBe('expected shape [1,2], got [2,1]')
  expect(allclose([Number.NaN], [1])).toMatch('got NaN')
  expect(allclose([1e-9], [0])).toBeUndefined()
  expect(allclose([2e-8], [0])).toBeDefined()
})
