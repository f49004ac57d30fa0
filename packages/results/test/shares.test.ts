import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effectiveLength, scoreOverSeeds, wilsonInterval } from '../src/index.js'

describe('Wilson’s interval', () => {
  // Newcombe (1998), “Two-sided confidence intervals for the single proportion”, table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %d among %d is %d to %d', (right, trials, low, high) => {
    const interval = wilsonInterval(right / trials, trials)
    expect(interval[0]).toBeCloseTo(low, 4)
    expect(interval[1]).toBeCloseTo(high, 4)
  })

  it('has the share in it, stays within 0 and 1, and narrows with trials', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (trials, share) => {
        const [low, high] = wilsonInterval(share, trials)
        expect(low).toBeGreaterThanOrEqual(0)
        expect(high).toBeLessThanOrEqual(1)
        expect(share).toBeGreaterThanOrEqual(low - 1e-12)
        expect(share).toBeLessThanOrEqual(high + 1e-12)
        const [closerLow, closerHigh] = wilsonInterval(share, 4 * trials)
        expect(closerHigh - closerLow).toBeLessThanOrEqual(high - low)
      }),
    )
  })

  it('over seeds goes from the lowest end to the highest', () => {
    const { score, interval, seeds } = scoreOverSeeds([
      { score: 0, trials: 20 },
      { score: 1, trials: 20 },
    ])
    expect({ score, seeds, interval }).toEqual({
      score: 0.5,
      seeds: 2,
      interval: [wilsonInterval(0, 20)[0], wilsonInterval(1, 20)[1]],
    })
  })
})

describe('the effective length', () => {
  const line = (evalLength: number, score: number, trials = 100) => ({ evalLength, score, trials })

  it('is the longest up to which every score is at least the threshold', () => {
    const scores = [line(64, 1), line(128, 0.9), line(256, 0.5), line(512, 0.95)]
    expect(effectiveLength(scores, 0.8)).toEqual({ length: 128, interval: [128, 128], longest: 512 })
    expect(effectiveLength(scores.toReversed(), 0.8).length).toBe(128)
  })

  it('is none where the shortest is below, and the longest where none is', () => {
    expect(effectiveLength([line(64, 0.1), line(128, 1)], 0.8)).toMatchObject({ length: undefined, longest: 128 })
    expect(effectiveLength([line(64, 1), line(128, 1)], 0.8).length).toBe(128)
  })

  it('has the lengths of the ends of intervals as its interval', () => {
    // 0.9 of 100 is 0.826 to 0.945, 0.75 of 100 is 0.657 to 0.825.
    const scores = [line(64, 1), line(128, 0.9), line(256, 0.75), line(512, 0.2)]
    expect(effectiveLength(scores, 0.8)).toMatchObject({ length: 128, interval: [128, 256] })
    expect(effectiveLength(scores, 0.856)).toMatchObject({ length: 128, interval: [64, 128] })
  })

  it('never leaves its interval', () => {
    const score = fc.record({
      evalLength: fc.integer({ min: 1, max: 20 }),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      trials: fc.integer({ min: 1, max: 200 }),
    })
    fc.assert(
      fc.property(fc.array(score, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (lines, threshold) => {
        const { length = 0, interval } = effectiveLength(lines, threshold)
        expect(interval[0] ?? 0).toBeLessThanOrEqual(length)
        expect(interval[1] ?? 0).toBeGreaterThanOrEqual(length)
      }),
    )
  })
})
