import { conformanceCases, type PlainParameters } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { type FireOptions, fire } from '../src/index.js'

describe.each<FireOptions>([
  { numHeads: 2, width: 4, threshold: 6 },
  { numHeads: 3, width: 5, perLayer: false },
  { numHeads: 1, width: 1, threshold: 0.5 },
])('%j', (options) => {
  /** f(ψ(i − j)/ψ(max(i, L))), ψ(x) = ln(1 + c·x), f of one hidden layer (Li et al., 2024, §4.1). */
  function bias(head: number, query: number, key: number, p: PlainParameters) {
    const psi = (x: number) => Math.log1p(Math.abs(p.c![0]!) * x)
    const start = Math.abs(p.thresholdShare![0]! * (options.threshold ?? 512))
    const share = psi(query - key) / (psi(Math.max(query, start)) + 1e-6)
    const hidden = p.hiddenWeight!.map((weight, i) => Math.max(0, weight * share + p.hiddenShift![i]!))
    return hidden.reduce((sum, unit, i) => sum + unit * p.outWeight![i * options.numHeads + head]!, p.outShift![head]!)
  }
  for (const { name, run } of conformanceCases(() => fire(options), { bias, differentiable: numericGradients }))
    it(name, run)
})
