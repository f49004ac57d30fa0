import { readFileSync } from 'node:fs'
import { positionRange, reference, scoreBias } from '@alibi/core'
import { expect, it } from 'vitest'
import { type BucketOptions, t5Bias, t5Bucket } from '../src/index.js'

const golden = JSON.parse(readFileSync(new URL('golden/buckets.json', import.meta.url), 'utf8'))

it.each<BucketOptions & { buckets: number[] }>(golden.cases)(
  'has the buckets of transformers: $numBuckets up to $maxDistance, bidirectional $bidirectional',
  ({ buckets, ...options }) => {
    expect(golden.distances.map((distance: number) => t5Bucket(distance, options))).toEqual(buckets)
  },
)

it.each([
  ['causal', false],
  ['bidirectional', true],
])('has the bias of transformers for the last queries (%s)', (name, bidirectional) => {
  const { bias } = t5Bias({ numHeads: 2, numBuckets: 8, maxDistance: 9, bidirectional })
  // As in the script: head h and bucket b have 100h + b.
  const table = reference.tensor(
    Array.from({ length: 16 }, (_, i) => Math.floor(i / 2) + 100 * (i % 2)),
    [8, 2],
  )
  expect(scoreBias(reference, bias, { table }, positionRange(7, 3), positionRange(0, 10))).toBeAllclose(
    golden.bias[name],
    { rtol: 0, atol: 0 },
  )
})
