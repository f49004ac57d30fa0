import { conformanceCases, type PlainParameters } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { type AlibiOptions, alibi } from '../src/index.js'

/** The authors' slopes (paper, §3, and their get_slopes), written out. */
const eight = [1, 2, 3, 4, 5, 6, 7, 8].map((k) => 2 ** -k)
const twelve = [...eight, 2 ** -0.5, 2 ** -1.5, 2 ** -2.5, 2 ** -3.5]
const symmetric: [AlibiOptions, readonly number[]][] = [
  [{ numHeads: 1 }, [2 ** -8]],
  [{ numHeads: 3 }, [2 ** -4, 2 ** -8, 2 ** -2]],
  [{ numHeads: 8 }, eight],
  [{ numHeads: 12 }, twelve],
  [{ numHeads: 8, learned: true }, eight],
  [{ numHeads: 8, scale: 0.25 }, eight.map((slope) => slope / 4)],
  [{ numHeads: 12, learned: true, scale: 0.5 }, twelve.map((slope) => slope / 2)],
  [{ numHeads: 2, slopes: [0.3, 0] }, [0.3, 0]],
  [{ numHeads: 4, maxBias: 4 }, [0.5, 0.25, 0.125, 0.0625]],
  [{ numHeads: 2, maxBias: 16, learned: true, perLayer: true }, [2 ** -8, 2 ** -16]],
]

describe.each(symmetric)('%j', (options, slopes) => {
  const bias = (head: number, query: number, key: number, { logSlopes }: PlainParameters) =>
    -(logSlopes ? Math.exp(logSlopes[head]!) : slopes[head]!) * (query - key)
  for (const { name, run } of conformanceCases(() => alibi(options), { bias })) it(name, run)
})

describe.each<AlibiOptions>([
  { numHeads: 4, direction: 'nonsymmetric' },
  { numHeads: 4, direction: 'nonsymmetric', learned: true },
])('%j', (options) => {
  /** Two heads look back, with the slopes of two; the others see nothing behind. */
  const bias = (head: number, query: number, key: number, { logSlopes }: PlainParameters) => {
    if (head >= 2) return query === key ? 0 : -1e30
    return -(logSlopes ? Math.exp(logSlopes[head]!) : [2 ** -4, 2 ** -8][head]!) * (query - key)
  }
  for (const { name, run } of conformanceCases(() => alibi(options), { bias })) it(name, run)
})
