/** One number of a trained model, over its seeds. */
export interface Spread {
  /** Every seed's number. */
  readonly bySeed: ReadonlyMap<number, number>
  /** Over seeds. */
  readonly mean: number
  /** Sample standard deviation; undefined for one seed. */
  readonly deviation: number | undefined
  /** The lowest seed's number. */
  readonly low: number
  /** The highest seed's number. */
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
    low: values.reduce((a, b) => Math.min(a, b)),
    high: values.reduce((a, b) => Math.max(a, b)),
  }
}

/** The middle one of those that are finite, the upper of two; NaN where there is none. */
export function median(values: readonly number[]): number {
  const finite = values.filter(Number.isFinite).sort((a, b) => a - b)
  return finite[finite.length >> 1] ?? Number.NaN
}

/** Perplexities of 3.557, 35.6 and 356: as many digits as are of use, and the same for a deviation beside them. */
export const perplexityDigits = (value: number) => (value >= 100 ? 0 : value >= 10 ? 1 : 3)

/** e.g. `5.000 ± 1.414`, or `not finite (1 of 3 seeds)` */
export function formatPerplexity(value: Spread | undefined): string {
  if (!value) return '—'
  const { bySeed, mean, deviation } = value
  const broken = [...bySeed.values()].filter((each) => !Number.isFinite(each)).length
  if (broken && broken < bySeed.size) return `${NOT_FINITE} (${broken} of ${bySeed.size} seeds)`
  if (deviation === undefined || broken) return formatMean(mean)
  return `${formatMean(mean)} ± ${mean >= 1e6 ? deviation.toExponential(1) : deviation.toFixed(perplexityDigits(mean))}`
}

/** e.g. `5.000` */
export const formatMean = (mean: number): string =>
  orNotFinite(mean, (value) => (value >= 1e6 ? value.toExponential(1) : value.toFixed(perplexityDigits(value))))

const NOT_FINITE = 'not finite'

/** A number as it is shown; `not finite` for NaN and ±∞. */
export const orNotFinite = (value: number, format: (value: number) => string): string =>
  Number.isFinite(value) ? format(value) : NOT_FINITE
