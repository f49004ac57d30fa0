import { conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { type SandwichOptions, sandwich } from '../src/index.js'

describe.each<SandwichOptions>([{ numHeads: 8 }, { numHeads: 3, width: 2 }, { numHeads: 1, width: 64, base: 500 }])(
  '%j',
  (options) => {
    const { numHeads, width = 128, base = 10_000 } = options
    /** Σ (cos(distance·base^(−2i/d̄)) − 1) over h·8/H (Chi et al., 2023, §5). */
    const bias = (head: number, query: number, key: number) => {
      let sum = -width / 2
      for (let i = 0; i < width / 2; i++) sum += Math.cos((query - key) / base ** ((2 * i) / width))
      return (sum * numHeads) / (8 * (head + 1))
    }
    for (const { name, run } of conformanceCases(() => sandwich(options), { bias })) it(name, run)
  },
)
