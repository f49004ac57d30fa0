import fc from 'fast-check'
import { expect, it } from 'vitest'
import { reference as ops } from '../src/index.js'

const values = (size: number) =>
  fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: size, maxLength: size })

it('multiplies matrices as the definition does', () => {
  fc.assert(
    fc.property(values(6), values(12), (a, b) => {
      const product = ops.matmul(ops.tensor(a, [2, 3]), ops.tensor(b, [3, 4]))
      for (let i = 0; i < 2; i++)
        for (let j = 0; j < 4; j++) {
          const want = [0, 1, 2].reduce((sum, k) => sum + a[i * 3 + k]! * b[k * 4 + j]!, 0)
          expect(product.data[i * 4 + j]).toBeCloseTo(want, 9)
        }
    }),
  )
})

it('undoes a transpose with its inverse', () => {
  fc.assert(
    fc.property(values(24), fc.constantFrom<number[]>([0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]), (data, axes) => {
      const inverse = axes.map((_, i) => axes.indexOf(i))
      const x = ops.tensor(data, [2, 3, 4])
      expect(ops.transpose(ops.transpose(x, axes), inverse)).toEqual(x)
    }),
  )
})

it('interpolates as the definition does', () => {
  fc.assert(
    fc.property(values(6), values(8), (data, places) => {
      const got = ops.interpolate(ops.tensor(data, [2, 3]), ops.tensor(places, [2, 4])).data
      places.forEach((place, i) => {
        const row = data.slice(i < 4 ? 0 : 3).slice(0, 3)
        const within = Math.max(0, Math.min(2, place))
        const want = row.reduce((sum, value, n) => sum + Math.max(0, 1 - Math.abs(within - n)) * value, 0)
        expect(got[i]).toBeCloseTo(want, 9)
      })
    }),
  )
})

it('broadcasts, gathers and refuses what does not fit', () => {
  const x = ops.tensor([1, 2, 3, 4, 5, 6], [2, 3])
  expect([...ops.add(x, ops.tensor([10, 20], [2, 1])).data]).toEqual([11, 12, 13, 24, 25, 26])
  expect([...ops.gather(x, Int32Array.of(2, 0), 1).data]).toEqual([3, 1, 6, 4])
  expect(() => ops.add(x, ops.tensor([1, 2], [2]))).toThrow('shapes that broadcast, got [2,3] and [2]')
  expect(() => ops.gather(x, Int32Array.of(3), 1)).toThrow('indices from 0 to 2, got 3')
  expect(() => ops.matmul(x, x)).toThrow('matmul: expected')
  expect(() => ops.interpolate(x, ops.tensor([1, 2], [1, 2]))).toThrow('[..., P] at [..., K], got [2,3] and [1,2]')
  expect(() => ops.tensor([1], [2])).toThrow('expected 2 values for [2], got 1')
})
