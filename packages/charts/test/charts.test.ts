import { describe, expect, it } from 'vitest'
import {
  dark,
  drawCurves,
  light,
  linearScale,
  logScale,
  scaleFor,
  stylesOf,
  themeVariables,
  withVariables,
} from '../src/index.js'
import { drawFigure } from '../src/panels.js'
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

  it('are twelve, before one comes again', () => {
    const names = 'alibi,sinusoidal,rotary,t5-bias,learned,none,a,b,c,d,e,f'.split(',')
    expect(new Set([...stylesOf(names).values()].map(({ colour }) => colour)).size).toBe(12)
    expect(new Set([...stylesOf(names).values()].map(({ symbol }) => symbol)).size).toBe(12)
    expect(JSON.stringify([...stylesOf(names).values()])).not.toContain('pin')
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

describe('a scale', () => {
  it('takes more values than a call takes arguments, and none that are not finite', () => {
    const values = Array.from({ length: 400_000 }, (_, i) => 1 + (i % 9))
    expect(scaleFor([...values, Number.NaN, Number.POSITIVE_INFINITY]).extent).toEqual(scaleFor([1, 9]).extent)
    expect(linearScale([]).ticks.every(Number.isFinite)).toBe(true)
  })
})

describe('curves', () => {
  const axis = { scale: linearScale([0, 4]), format: String }
  const draw = (curves: Parameters<typeof drawCurves>[0]['curves']) =>
    drawCurves(
      { curves, symbols: true, x: { name: 'x', ...axis }, y: { name: 'y', ...axis } },
      { width: 300, height: 200 },
    )
  const style = stylesOf(['a']).get('a')!

  it('have tags on all that is drawn of them, and the row and column of each point in the table', () => {
    const svg = draw([
      { name: '<a>', style, tags: { strategy: '<a>' }, points: [1, 2].map((x) => ({ x, y: x, low: 0, high: 3 })) },
      { name: 'b', style, tags: { strategy: 'b' }, points: [2, 3].map((x) => ({ x, y: x })) },
    ])
    expect(svg).toContain('<path data-column="1" data-strategy="&lt;a&gt;"')
    expect(svg).toContain('<path data-column="2" data-rows="1 2" data-strategy="b"')
    // A line, a band, a group of two symbols and a name; and without the band.
    expect(svg.match(/data-strategy="&lt;a&gt;"/g)).toHaveLength(4)
    expect(svg.match(/data-strategy="b"/g)).toHaveLength(3)
    expect(svg.match(/<g data-strategy="b"[^>]*>(?:<path [^>]*\/>){2}<\/g>/g)).toHaveLength(1)
    expect(svg).not.toContain('ecmeta')
  })

  it('leave out points that are not finite, and curves without one', () => {
    const svg = draw([
      { name: 'a', style, points: [1, 2, 3].map((x) => ({ x, y: x === 2 ? Number.NaN : x })) },
      { name: 'b', style, points: [{ x: 1, y: Number.POSITIVE_INFINITY }] },
    ])
    expect(svg).not.toMatch(/NaN|Infinity|>b</)
    expect(svg).toContain('data-column="1" data-rows="0 2"')
  })

  it('name no element: a page has many pictures, and a name is of one alone', () => {
    const svg = draw([{ name: 'a', style, points: [1, 2].map((x) => ({ x, y: x })) }])
    expect(svg).not.toMatch(/ id="|url\(#|clip-path/)
  })

  it('are panels on the same axes beside each other, and below each other', () => {
    const panel = (name: string) => ({
      tags: { 'train-length': name },
      draw: (format: Parameters<typeof drawCurves>[1]) =>
        drawCurves(
          {
            curves: [{ name, style, points: [1, 2].map((x) => ({ x, y: x })) }],
            symbols: true,
            x: { name: 'x', ...axis },
            y: { name: 'y', ...axis },
          },
          format,
        ),
    })
    const panels = ['one', 'two', 'three'].map(panel)
    const places = (columns: number) =>
      [
        ...drawFigure({ panels }, { width: 900, height: 200, columns }).matchAll(
          /<svg [^>]* x="(\d+)" y="(\d+)" width="(\d+)"/g,
        ),
      ].map(([, ...numbers]) => numbers.map(Number))
    const beside = places(3)
    expect(beside.map(([, y]) => y)).toEqual([0, 0, 0])
    // Each begins where the one before ends, and the last ends at the picture's edge.
    expect(beside[0]![0]! + beside[0]![2]!).toBe(beside[1]![0])
    expect(beside[2]![0]! + beside[2]![2]!).toBe(900)
    expect(places(1).map(([x, y]) => [x, y])).toEqual([
      [0, 0],
      [0, 200],
      [0, 400],
    ])
  })
})
