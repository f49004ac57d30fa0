/** Colours of a theme: six that people with any kind of colour vision tell apart, each of 4.5:1 contrast or more. */
export interface Theme {
  readonly background: string
  readonly ink: string
  readonly muted: string
  readonly grid: string
  readonly series: readonly [string, string, string, string, string, string]
}

/** Drawn with this one; no two names share a colour, so that {@link withVariables} can tell them. */
export const light: Theme = {
  background: '#ffffff',
  ink: '#1b1f24',
  muted: '#565e68',
  grid: '#dfe3e8',
  series: ['#0063b1', '#c94a00', '#00765c', '#b0308a', '#4d3800', '#6a6f78'],
}

export const dark: Theme = {
  background: '#15181c',
  ink: '#e8eaed',
  muted: '#a8b0ba',
  grid: '#343a42',
  series: ['#5aaeff', '#ff8a4c', '#3fd0a8', '#f48fd6', '#f2e08a', '#a3a9b3'],
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
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'emptyCircle']

/** The same in every report, so that readers of two need not look them up. */
const FIRST = ['alibi', 'sinusoidal', 'rotary', 't5-bias', 'learned', 'none']

/** A style for each name: colour, dash and symbol together are of one name alone. */
export function stylesOf(names: readonly string[]): ReadonlyMap<string, Style> {
  const order = [...FIRST, ...names.filter((name) => !FIRST.includes(name))]
  return new Map(
    names.map((name) => {
      const i = order.indexOf(name)
      // Each time round the colours, dashes and symbols move on by one.
      const j = (i + Math.floor(i / 6)) % 6
      return [name, { colour: light.series[i % 6]!, dash: DASHES[j]!, symbol: SYMBOLS[j]! }]
    }),
  )
}
