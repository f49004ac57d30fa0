import { reference as ops, positionRange, rotate } from '@alibi/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rotary } from '../src/index.js'

const vector = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 6, maxLength: 6 })

it.each(['half', 'interleaved'] as const)('makes products depend on the distance alone (%s)', (pairing) => {
  const rotation = rotary({ rotaryDim: 4, pairing }).rotation
  const product = (q: number[], k: number[], atQ: number, atK: number) => {
    const turn = (x: number[], at: number) =>
      rotate(ops, rotation, ops.tensor(x, [1, 6]), [1, 6], positionRange(at, 1), 'query').data
    const [a, b] = [turn(q, atQ), turn(k, atK)]
    return a.reduce((sum, x, i) => sum + x * b[i]!, 0)
  }
  fc.assert(
    fc.property(vector, vector, fc.nat(999), fc.nat(999), fc.nat(9999), (q, k, i, j, offset) => {
      expect(product(q, k, i + offset, j + offset)).toBeCloseTo(product(q, k, i, j), 8)
    }),
  )
})

it('turns at RoFormer’s frequencies', () => {
  expect([...rotary({ rotaryDim: 4, base: 100 }).rotation.angles(Int32Array.of(0, 3))]).toEqual([0, 0, 3, 3 * 0.1])
  expect(() => rotary({ rotaryDim: 3 })).toThrow('rotary: expected an even rotaryDim, got 3')
})
