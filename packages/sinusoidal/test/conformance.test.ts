import type { EmbeddingStrategy } from '@alibi/core'
import { conformanceCases, type PlainParameters } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { learned, sinusoidal } from '../src/index.js'

/** Vaswani et al., 2017, §3.5: sines at even features, cosines at odd ones. */
const vaswani = (modelDim: number, base: number) => (position: number, feature: number) =>
  feature % 2
    ? Math.cos(position / base ** ((feature - 1) / modelDim))
    : Math.sin(position / base ** (feature / modelDim))

/** fairseq's SinusoidalPositionalEmbedding: the first position is 2, the padding's index + 1. */
const fairseq = (modelDim: number) => (position: number, feature: number) => {
  const half = modelDim / 2
  const angle = (position + 2) * Math.exp((-(feature % half) * Math.log(10_000)) / (half - 1))
  return feature < half ? Math.sin(angle) : Math.cos(angle)
}

describe.each([
  ['sinusoidal', sinusoidal({ modelDim: 16 }), vaswani(16, 10_000)],
  ['sinusoidal, base 100', sinusoidal({ modelDim: 2, base: 100 }), vaswani(2, 100)],
  ["sinusoidal, fairseq's", sinusoidal({ modelDim: 16, layout: 'fairseq' }), fairseq(16)],
] as const)('%s', (_name, strategy, embedding) => {
  for (const { name, run } of conformanceCases(strategy, { embedding })) it(name, run)
})

describe.each<[string, EmbeddingStrategy, number?]>([
  ['learned, from row 2 as OPT', learned({ modelDim: 4, maxPositions: 30, offset: 2 }), 2],
  ['learned', learned({ modelDim: 6, maxPositions: 40 })],
  ['learned, longer than any position checked', learned({ modelDim: 2, maxPositions: 20_000 })],
  ['learned, one position', learned({ modelDim: 6, maxPositions: 1 })],
])('%s', (_name, strategy, offset = 0) => {
  const { modelDim } = strategy.embedding
  /** Row p + offset of the table. */
  const embedding = (position: number, feature: number, { table }: PlainParameters) =>
    table![(position + offset) * modelDim + feature]!
  for (const { name, run } of conformanceCases(strategy, { embedding })) it(name, run)
})
