import { describeReading } from '@alibi/results'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveRunConfig } from '../src/config/resolve.js'
import { binEdges, placeBins } from '../src/experiment/loss-by-position.js'
import { readingsOf } from '../src/experiment/readings.js'

describe('readingsOf', () => {
  const lengths = { trainLength: 128, evalLengths: [128, 512] }

  it('are non-overlapping chunks unless more is asked for', () => {
    expect(readingsOf(resolveRunConfig(lengths)).map(describeReading)).toEqual(['128', '512'])
  })

  it('are every protocol at every length, with the windowed control beyond the train length', () => {
    const protocols: ('nonoverlapping' | 'sliding')[] = ['nonoverlapping', 'sliding']
    const config = resolveRunConfig({ ...lengths, protocols, stride: 32, windowedControl: true })
    expect(readingsOf(config).map(describeReading)).toEqual([
      ...['128', '512', '512, 128 keys'],
      ...['128, sliding by 32', '512, sliding by 32', '512, sliding by 32, 128 keys'],
    ])
  })

  it('slide by half of each length by default', () => {
    expect(readingsOf(resolveRunConfig({ ...lengths, protocols: ['sliding'] })).map(({ stride }) => stride)).toEqual([
      64, 256,
    ])
  })

  it('skip no token', () => {
    expect(() => resolveRunConfig({ ...lengths, stride: 129 })).toThrow('a stride up to the shortest evaluation length')
  })
})

describe('bins of places', () => {
  it('are single places at the start, narrow past the train length, train lengths in the end', () => {
    const edges = binEdges(128, 1024)
    expect(edges.slice(0, 19)).toEqual([...Array.from({ length: 17 }, (_, i) => i), 32, 48])
    expect(edges.slice(edges.indexOf(128))).toEqual([
      128,
      144,
      160,
      176,
      192,
      208,
      228,
      253,
      ...[256, 384, 512],
      640,
      ...[768, 896, 1024],
    ])
  })

  it('hold every token once, and have the mean of theirs', () => {
    const lengths = fc.record({
      trainLength: fc.integer({ min: 1, max: 300 }),
      evalLength: fc.integer({ min: 1, max: 900 }),
    })
    fc.assert(
      fc.property(lengths, fc.nat(5), ({ trainLength, evalLength }, every) => {
        // Sliding windows score no token at most places.
        const tokens = Float64Array.from({ length: evalLength }, (_, place) => (every && place % every ? 0 : place + 1))
        const bins = placeBins({ tokens, lossNats: tokens.map((n, place) => n * place) }, trainLength)
        for (const [i, { from, to, tokens: count, lossNats }] of bins.entries()) {
          expect(from).toBeGreaterThanOrEqual(bins[i - 1]?.to ?? 0)
          expect(count).toBeGreaterThan(0)
          expect(lossNats).toBeGreaterThanOrEqual(from)
          expect(lossNats).toBeLessThan(to)
        }
        const total = (values: number[]) => values.reduce((a, b) => a + b, 0)
        expect(total(bins.map((bin) => bin.tokens))).toBe(total([...tokens]))
      }),
    )
  })
})
