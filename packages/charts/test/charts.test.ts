import { describe, expect, it } from 'vitest'
import { dark, light, logScale, scaleFor, stylesOf, themeVariables, withVariables } from '../src/index.js'
import { contrast, differenceSeenBy } from './colour.js'

describe('colours', () => {
  it.each([
    ['light', light],
    ['dark', dark],
  ] as const)('can be read and told apart by everyone: %s', (_name, { background, ink, muted, series }) => {
    for (const colour of [ink, muted, ...series]) expect(contrast(colour, background)).toBeGreaterThanOrEqual(4.5)
    // 2.3 is what can just be noticed.
    for (const [i, a] of series.entries())
      for (const b of series.slice(i + 1))
        for (const vision of ['normal', 'protan', 'deutan', 'tritan'] as const)
          expect(differenceSeenBy(vision, a, b), `${a} ${b} ${vision}`).toBeGreaterThan(9)
  })

  it('are the page’s variables in its pictures', () => {
    expect(withVariables(`<path stroke="${light.series[1]}" fill="${light.background}">`)).toBe(
      '<path stroke="var(--series-1)" fill="var(--background)">',
    )
    expect(themeVariables(dark)).toContain(`--series-1:${dark.series[1]}`)
  })

  it('with dash and symbol are of one strategy alone, and the same in every report', () => {
    const names = [
      'alibi',
      'kerple-log',
      'kerple-power',
      'fire',
      'sandwich',
      'none',
      'sinusoidal',
      'a',
      'b',
      'c',
      'd',
      'e',
    ]
    const styles = [...stylesOf(names).values()].map((style) => JSON.stringify(style))
    expect(new Set(styles).size).toBe(names.length)
    expect(stylesOf(['none', 'alibi']).get('alibi')).toEqual(stylesOf(names).get('alibi'))
  })
})

describe('axes', () => {
  it('are logarithmic when curves explode', () => {
    expect(scaleFor([3, 8]).of(4)).toBe(4)
    expect(scaleFor([3, 40]).of(4)).toBe(2)
    expect(scaleFor([0, 40]).of(4)).toBe(4)
  })

  it.each([[[3.4, 3.6]], [[2, 9]], [[3, 40]], [[18, 406]], [[1, 1e9]], [[5, 5]], [[0, 0]]])(
    'have some ticks: %j',
    (values) => {
      const { ticks, extent } = scaleFor(values)
      expect(ticks.length).toBeGreaterThanOrEqual(2)
      expect(ticks.length).toBeLessThanOrEqual(12)
      for (const tick of ticks) expect(tick >= extent[0] && tick <= extent[1]).toBe(true)
    },
  )

  it('go back from a place to its value', () => {
    const { of, back } = logScale([1, 100])
    expect(back(of(7))).toBeCloseTo(7, 12)
  })
})
