import { conformanceCases, type PlainParameters } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { type T5BiasOptions, t5Bias } from '../src/index.js'

describe.each<T5BiasOptions>([
  { numHeads: 8 },
  { numHeads: 8, perLayer: true },
  { numHeads: 2, numBuckets: 2, maxDistance: 2 },
  // Buckets between the exact ones and the last that no distance falls into.
  { numHeads: 2, maxDistance: 17 },
  { numHeads: 3, bidirectional: true },
  { numHeads: 1, bidirectional: true, numBuckets: 4, maxDistance: 2 },
  { numHeads: 3, numBuckets: 16, maxDistance: 1000, perLayer: true },
])('%j', (options) => {
  const { numHeads, numBuckets = 32, maxDistance = 128, bidirectional = false } = options
  /** What is learned for the bucket of a distance ≥ 0 (Raffel et al., 2020, §2.1; T5's code computes in fp32). */
  const bias = (head: number, query: number, key: number, { table }: PlainParameters) => {
    const buckets = bidirectional ? numBuckets / 2 : numBuckets
    const exact = Math.floor(buckets / 2)
    const [n, f] = [query - key, Math.fround]
    const share = f(f(Math.log(f(n / exact))) / f(Math.log(maxDistance / exact)))
    const bucket = n < exact ? n : Math.min(buckets - 1, exact + Math.floor(f(share * (buckets - exact))))
    return table![bucket * numHeads + head]!
  }
  for (const { name, run } of conformanceCases(() => t5Bias(options), { bias })) it(name, run)
})
