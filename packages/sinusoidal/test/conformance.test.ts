import { conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { learned, sinusoidal } from '../src/index.js'

describe.each([
  ['sinusoidal', sinusoidal({ modelDim: 16 })],
  ['sinusoidal, base 100', sinusoidal({ modelDim: 2, base: 100 })],
  ["sinusoidal, fairseq's", sinusoidal({ modelDim: 16, layout: 'fairseq' })],
  ['learned', learned({ modelDim: 6, maxPositions: 40 })],
  ['learned, one position', learned({ modelDim: 6, maxPositions: 1 })],
])('%s', (_name, strategy) => {
  for (const { name, run } of conformanceCases(strategy)) it(name, run)
})
