import { describe, expect, it } from 'vitest'
import { makeReading, type Results, reachOf } from '../src/index.js'

const row = { strategy: 'a', trainLength: 64, size: '1x8x1', name: 'a' }
/** Results of one seed with these losses at 64, 128, 256, …. */
const withLosses = (...losses: number[]): Results => ({
  run: { type: 'run', schemaVersion: 1, config: { strategies: ['a'], seeds: [1], trainLength: 64 } } as Results['run'],
  train: [],
  evals: losses.map((lossNats, i) => ({
    type: 'eval',
    ...row,
    seed: 1,
    ...makeReading(64 * 2 ** i, 'nonoverlapping'),
    tokens: 1024,
    lossNats,
    perplexity: Math.exp(lossNats),
    bitsPerByte: lossNats,
    tokensPerSecond: 1,
    peakBytes: 1,
  })),
  positions: [],
  retrieval: [],
  tasks: [],
  contexts: [],
})
const reach = (...losses: number[]) => Math.exp(reachOf(withLosses(...losses), row).get(1)!)

describe('how far a row reads', () => {
  it('is where perplexity is 10 % higher, on a logarithmic axis, and the longest length where it never is', () => {
    expect(reach(2, 2, 2 + 2 * Math.log(1.1))).toBeCloseTo(128 * Math.SQRT2, 6)
    expect(reach(2, 2.01, 1.9)).toBeCloseTo(256, 6)
  })

  it('is not known where a loss before that is not a number', () => {
    expect(reach(2, Number.NaN, 3)).toBeNaN()
    expect(reach(Number.NaN, 2, 3)).toBeNaN()
    expect(reach(Number.POSITIVE_INFINITY, 2, 3)).toBeNaN()
    expect(reach(2, 3, Number.NaN)).toBeLessThan(128)
    expect(reach(2, Number.POSITIVE_INFINITY)).toBeCloseTo(64, 6)
  })
})
