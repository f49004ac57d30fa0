import { type ConformanceOptions, conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { numericGradients } from '../../core/test/numeric-gradients.js'
import { type CopeOptions, cope } from '../src/index.js'

describe.each<CopeOptions>([
  { numHeads: 2, headDim: 4, maxPosition: 5 },
  { numHeads: 1, headDim: 3, maxPosition: 2, perLayer: false },
])('%j', (options) => {
  const { headDim, maxPosition } = options as Required<CopeOptions>
  /** Golovneva et al., 2024, eq. 4 to 6. */
  const scores: ConformanceOptions['scores'] = (_head, { scores, q }, { embeddings }) =>
    Array.from(scores, (score, key) => {
      const count = scores.subarray(key).reduce((sum, s) => sum + 1 / (1 + Math.exp(-s)), 0)
      const place = Math.min(maxPosition, count)
      const met = (n: number) => q.reduce((sum, x, i) => sum + x * embeddings![n * headDim + i]!, 0)
      const above = place - Math.floor(place)
      return score + (above * met(Math.ceil(place)) + (1 - above) * met(Math.floor(place))) / Math.sqrt(headDim)
    })
  for (const { name, run } of conformanceCases(() => cope(options), { scores, differentiable: numericGradients }))
    it(name, run)
})
