/**
 * Colours of a theme: twelve that people with any kind of colour vision can distinguish, each of 4.5:1 contrast or
 * more.
 */
export interface Theme {
  readonly background: string
  readonly ink: string
  readonly muted: string
  readonly grid: string
  readonly series: readonly string[]
}

/** Drawn with this one; no two names share a colour, so that {@link withVariables} can tell them. */
export const light: Theme = {
  background: '#ffffff',
  ink: '#1b1f24',
  muted: '#565e68',
  grid: '#dfe3e8',
  // biome-ignore format: six a line
  series: [
    '#0063b1', '#c94a00', '#00765c', '#b0308a', '#4d3800', '#6a6f78',
    '#a000ff', '#3c00a0', '#500050', '#a0643c', '#500078', '#7850dc',
  ],
}

export const dark: Theme = {
  background: '#15181c',
  ink: '#e8eaed',
  muted: '#a8b0ba',
  grid: '#343a42',
  // biome-ignore format: six a line
  series: [
    '#5aaeff', '#ff8a4c', '#3fd0a8', '#f48fd6', '#f2e08a', '#a3a9b3',
    '#7878ff', '#b464c8', '#ff0064', '#a0f000', '#00a014', '#648c78',
  ],
}

/** A theme as CSS declarations. */
export const themeVariables = (theme: Theme) =>
  named(theme)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';')

/** A picture drawn in the light theme's colours, with the page's variables in their place. */
export const withVariables = (svg: string) =>
  named(light).reduce((text, [name, colour]) => text.replaceAll(colour, `var(--${name})`), svg)

const named = ({ series, ...rest }: Theme) => [
  ...Object.entries(rest),
  ...series.map((colour, i) => [`series-${i}`, colour] as const),
]

/** How one strategy's curves and bars look, in every figure of a report. */
export interface Style {
  readonly colour: string
  readonly dash: 'solid' | readonly number[]
  readonly symbol: string
}

const DASHES: readonly Style['dash'][] = ['solid', [8, 4], [2, 3], [10, 3, 2, 3], [4, 3], [14, 4]]

/** Each has its middle at the point. */
const SYMBOLS = [
  'circle',
  'rect',
  'triangle',
  'diamond',
  'path://M0 -10L3 -3L10 0L3 3L0 10L-3 3L-10 0L-3 -3Z',
  'emptyCircle',
  'emptyRect',
  'emptyTriangle',
  'emptyDiamond',
  'path://M-3 -10H3V-3H10V3H3V10H-3V3H-10V-3H-3Z',
  'path://M-10 -6L-6 -10L0 -4L6 -10L10 -6L4 0L10 6L6 10L0 4L-6 10L-10 6L-4 0Z',
  'path://M-10 0L-5 -9H5L10 0L5 9H-5Z',
]

/** The same in every report, so that readers of two need not look them up. */
const FIRST = ['alibi', 'sinusoidal', 'rotary', 't5-bias', 'learned', 'none']

/** A style for each name: colour, dash and symbol together are of one name alone. */
export function stylesOf(names: readonly string[]): ReadonlyMap<string, Style> {
  const order = [...FIRST, ...names.filter((name) => !FIRST.includes(name))]
  return new Map(
    names.map((name) => {
      const i = order.indexOf(name)
      // Each time round the colours, symbols and dashes move on by one.
      const round = Math.floor(i / light.series.length)
      return [
        name,
        {
          colour: light.series[i % light.series.length]!,
          dash: dashOf(i + round),
          symbol: SYMBOLS[(i + round) % SYMBOLS.length]!,
        },
      ]
    }),
  )
}

/** The dash of one of several curves of a colour, e.g. a strategy's seeds. */
export const dashOf = (i: number): Style['dash'] => DASHES[i % DASHES.length]!
