import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type BucketOptions, t5Bucket } from '../src/index.js'

const golden = JSON.parse(readFileSync(new URL('golden/buckets.json', import.meta.url), 'utf8'))

it.each<BucketOptions & { buckets: number[] }>(golden.cases)(
  'has the buckets of transformers: $numBuckets up to $maxDistance, bidirectional $bidirectional',
  ({ buckets, ...options }) => {
    expect(golden.distances.map((distance: number) => t5Bucket(distance, options))).toEqual(buckets)
  },
)
