import { conformanceCases, type PlainParameters } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { type ForgettingOptions, forgetting } from '../src/index.js'

describe.each<ForgettingOptions>([
  { numHeads: 2, modelDim: 6 },
  { numHeads: 3, modelDim: 4, startBias: 5, perLayer: false },
  { numHeads: 2, modelDim: 4, slopes: [0.5, 0.25] },
])('%j', (options) => {
  /** ln σ(x·w + b) (Lin et al., 2025, eq. 5). */
  const gate = (head: number, x: Float64Array, { w, b }: PlainParameters) =>
    -Math.log(1 + Math.exp(-b![head]! - x.reduce((sum, value, i) => sum + value * w![i * options.numHeads + head]!, 0)))
  const known = options.slopes ? {} : { gate }
  for (const { name, run } of conformanceCases(() => forgetting(options), {
    ...known,
    differentiable: numericGradients,
  }))
    it(name, run)
})
