import { describe, expect, it } from 'vitest'
import type { Contestant } from '../src/steps/contestant.js'
import { duel, median } from '../src/steps/duel.js'
import { growth } from '../src/steps/evaluation.js'
import { forwardTable, readingTable, savingTable, stepTable } from '../src/steps/tables.js'

/** Takes the given seconds, run after run. */
const scripted = (name: string, seconds: number[]): Contestant => ({
  name,
  run: async () => seconds.shift()!,
  dispose() {},
})

describe('duel', () => {
  it('compares times of the same round alone, and leaves the first out', async () => {
    const [ours, theirs] = await duel([scripted('ours', [9, 1, 2, 4]), scripted('theirs', [1, 3, 4, 10])], 1, 3)
    expect(ours).toEqual({ name: 'ours', seconds: [1, 2, 4], ratio: { median: 1, range: [1, 1] } })
    expect(theirs).toEqual({ name: 'theirs', seconds: [3, 4, 10], ratio: { median: 2.5, range: [2, 3] } })
  })

  it('goes forth and back, so that nobody follows the same one each time', async () => {
    const order: string[] = []
    const noted = (name: string): Contestant => ({ name, run: async () => order.push(name), dispose() {} })
    await duel([noted('a'), noted('b'), noted('c')], 1, 2)
    expect(order.join('')).toBe('abccbaabc')
  })

  it('has the middle of an odd number as median', () => expect(median([5, 1, 3])).toBe(3))
})

it('finds the power with which memory grows', () => {
  expect(growth([512, 2048, 16384].map((x) => [x, 3 * x ** 1.25]))).toBeCloseTo(1.25, 10)
})

describe('tables', () => {
  const outcome = { name: 'ours', seconds: [0.5, 0.25, 1], ratio: { median: 2, range: [1, 4] as const } }
  const shown = { outcomes: [outcome], absent: [{ name: 'JAX', reason: 'it is not there: pip install jax' }] }
  const size = { name: 'tiny', batch: 2, length: 64, layers: 1, dim: 8, heads: 2, vocabulary: 16, steps: 1 }

  it('count the work of a step', () => {
    const [, , row] = stepTable(size, shown, 10)
    // 128 tokens of 6·(16·8 + 12·8²) + 12·8·64 FLOP in half a second.
    const gigaflops = (128 * (6 * 896 + 12 * 8 * 64)) / 0.5 / 1e9
    expect(row).toContain('| 500.0 |   250.0 |      256 |')
    expect(row).toContain(gigaflops.toFixed(0))
    expect(row).toContain('2.00 (1.00 to 4.00)')
    expect(stepTable(size, shown)[0]).not.toContain('of product')
  })

  it('set short training beside the long training it replaces', () => {
    const long = { ...outcome, name: 'sinusoidal at 128', ratio: { median: 1, range: [1, 1] as const } }
    const short = { name: 'alibi at 64', seconds: [0.1, 0.4, 0.2], ratio: { median: 0.4, range: [0.2, 0.8] as const } }
    const [, , row] = savingTable([{ outcomes: [long, short] }])
    expect(row).toMatch(/\| alibi at 64 +\| 200\.0 \| sinusoidal at 128 \| 500\.0 \| 0\.40 \(0\.20 to 0\.80\) \|/)
  })

  it('set passes and tokens beside those of others', () => {
    const [head, , row, absent] = forwardTable('decoding after 512', 'token', shown)
    expect(head).toContain('ms a token')
    expect(row).toMatch(/\| ours +\| +500\.00 \| +250\.00 \| 2\.00 \(1\.00 to 4\.00\) \|/)
    expect(absent).toBe('| JAX | it is not there: pip install jax |')
  })

  it('turn times into rates of reading', () => {
    const lengths = [512, 1024].map((length) => ({ ...outcome, length, peakBytes: length * 2 ** 20 }))
    const lines = readingTable(lengths)
    expect(lines[2]).toMatch(/2,048 \| 0\.50 \(0\.25 to 1\.00\) \|\s+512 MiB/)
    expect(lines.at(-1)).toBe('memory grows with length to the power 1.00')
  })
})
