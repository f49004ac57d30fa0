import { conformanceCases } from '@alibi/core/conformance'
import { describe, it } from 'vitest'
import { type SandwichOptions, sandwich } from '../src/index.js'

describe.each<SandwichOptions>([{ numHeads: 8 }, { numHeads: 3, width: 2 }, { numHeads: 1, width: 64, base: 500 }])(
  '%j',
  (options) => {
    for (const { name, run } of conformanceCases(() => sandwich(options))) it(name, run)
  },
)
