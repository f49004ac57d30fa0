import { conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { type KerpleOptions, kerple } from '../src/index.js'

describe.each<KerpleOptions>([
  { numHeads: 8 },
  { numHeads: 3, perLayer: false },
  { numHeads: 8, kernel: 'power' },
  { numHeads: 1, kernel: 'power', perLayer: false },
])('%j', (options) => {
  for (const { name, run } of conformanceCases(() => kerple(options), { differentiable: numericGradients }))
    it(name, run)
})
