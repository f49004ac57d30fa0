import { conformanceCases } from '@alibi/core/conformance'
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
  for (const { name, run } of conformanceCases(() => t5Bias(options))) it(name, run)
})
