import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveRunConfig } from '../src/config/resolve.js'
import { randomPositions } from '../src/data/random-positions.js'

describe('randomPositions', () => {
  it('are different, ascending and in the range, and the same again', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(100), fc.nat(), fc.nat(), (length, more, seed, draw) => {
        const positions = randomPositions(length, length + more, seed, draw)
        expect(positions).toHaveLength(length)
        positions.forEach((p, i) => {
          expect(p).toBeGreaterThan(positions[i - 1] ?? -1)
        })
        expect(positions.at(-1) ?? 0).toBeLessThan(Math.max(1, length + more))
        expect(randomPositions(length, length + more, seed, draw)).toEqual(positions)
      }),
    )
  })

  it('are all as likely', () => {
    const counts = new Array<number>(10).fill(0)
    for (let draw = 0; draw < 5000; draw++) for (const p of randomPositions(3, 10, 1, draw)) counts[p]! += 1
    // 5000 draws of 3 in 10: 1500 ± 32 each.
    for (const count of counts) expect(Math.abs(count - 1500)).toBeLessThan(160)
  })
})

it.each([
  [{ randomPositions: 1024 }, 'at least the longest length 2048, got 1024'],
  [{ randomPositions: 4096, protocols: ['streaming' as const] }, 'got streaming'],
])('a run refuses %j', (options, message) => {
  expect(() => resolveRunConfig(options)).toThrow(message)
})
