import { conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { type FireOptions, fire } from '../src/index.js'

describe.each<FireOptions>([
  { numHeads: 2, width: 4, threshold: 6 },
  { numHeads: 3, width: 5, perLayer: false },
  { numHeads: 1, width: 1, threshold: 0.5 },
])('%j', (options) => {
  for (const { name, run } of conformanceCases(() => fire(options), { differentiable: numericGradients })) it(name, run)
})
