import { conformanceCases, type PlainParameters } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { type KerpleOptions, kerple } from '../src/index.js'

describe.each<KerpleOptions>([
  { numHeads: 8 },
  { numHeads: 3, perLayer: false },
  { numHeads: 8, kernel: 'power' },
  { numHeads: 1, kernel: 'power', perLayer: false },
])('%j', (options) => {
  /** −r₁·ln(1 + r₂·distance), or −r₁·distance^r₂, within the bounds of r₂ (Chi et al., 2022, §4.2). */
  const bias = (head: number, query: number, key: number, { r1, r2 }: PlainParameters) =>
    options.kernel === 'power'
      ? -r1![head]! * (query - key) ** r2![head]!
      : -r1![head]! * Math.log(1 + r2![head]! * (query - key))
  for (const { name, run } of conformanceCases(() => kerple(options), { bias, differentiable: numericGradients }))
    it(name, run)
})
