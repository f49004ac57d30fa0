import { expect, it } from 'vitest'
import { t5Bucket } from '../src/index.js'

it('has the bucket starts of T5 (32 buckets, 128)', () => {
  const starts = [16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113]
  const options = { numBuckets: 32, maxDistance: 128, bidirectional: false }
  starts.forEach((start, i) => {
    expect(t5Bucket(start, options)).toBe(16 + i)
    expect(t5Bucket(start - 1, options)).toBe(15 + i)
  })
  expect(t5Bucket(100_000, options)).toBe(31)
  expect(t5Bucket(-5, options)).toBe(0)
})
