/** One number of a trained model, over its seeds. */
export interface Spread {
  /** Every seed's number. */
  readonly bySeed: ReadonlyMap<number, number>
  /** Over seeds. */
  readonly mean: number
  /** Sample standard deviation; undefined for one seed. */
  readonly deviation: number | undefined
  /** Of the lowest seed. */
  readonly low: number
  /** Of the highest seed. */
  readonly high: number
}

/** Mean, sample deviation and extremes over seeds; undefined where no seed has a value. */
export function spreadOf(bySeed: ReadonlyMap<number, number>): Spread | undefined {
  const values = [...bySeed.values()]
  if (!values.length) return undefined
  const mean = values.reduce((a, b) => a + b) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return {
    bySeed,
    mean,
    deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : undefined,
    low: Math.min(...values),
    high: Math.max(...values),
  }
}

/** The middle one, the upper of two. */
export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** Perplexities of 3.557, 35.6 and 356: as many digits as are of use, and the same for a deviation beside them. */
export const perplexityDigits = (value: number) => (value >= 100 ? 0 : value >= 10 ? 1 : 3)

/** e.g. `5.000 ± 1.414` */
export function formatPerplexity(value: Spread | undefined): string {
  if (!value) return '—'
  const { mean, deviation } = value
  if (deviation === undefined) return formatMean(mean)
  return `${formatMean(mean)} ± ${mean >= 1e6 ? deviation.toExponential(1) : deviation.toFixed(perplexityDigits(mean))}`
}

/** e.g. `5.000` */
export const formatMean = (mean: number): string =>
  mean >= 1e6 ? mean.toExponential(1) : mean.toFixed(perplexityDigits(mean))
