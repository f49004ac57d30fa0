import { duel } from '../steps/duel.js'
import { readers } from '../steps/evaluation.js'
import { readingTable } from '../steps/tables.js'
import { model, type Part } from './part.js'

export const lengths: Part = {
  name: 'lengths',
  what: 'evaluation of one text in sequences of 512 to 16,384 tokens',
  async run({ rounds, print }) {
    const all = readers(model)
    try {
      const outcomes = await duel(all, 1, rounds)
      const lengths = all.map(({ length, peakBytes }, i) => ({ length, peakBytes: peakBytes(), ...outcomes[i]! }))
      print(readingTable(lengths))
      return { lengths }
    } finally {
      for (const reader of all) reader.dispose()
    }
  },
}
