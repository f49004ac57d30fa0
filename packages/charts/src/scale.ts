/** How numbers are laid out along an axis: where they are, and which are written. */
export interface Scale {
  readonly of: (value: number) => number
  readonly back: (place: number) => number
  readonly ticks: readonly number[]
  /** Smallest and largest value shown. */
  readonly extent: readonly [number, number]
}

/** Logarithmic beyond a factor of 3: a straight axis would hide what does not explode. */
export const scaleFor = (values: readonly number[]): Scale => {
  const [low, high] = extentOf(values)
  return low > 0 && high / low > 3 ? logScale(values) : linearScale(values)
}

export function logScale(values: readonly number[], ticks?: readonly number[]): Scale {
  const [low, high] = extentOf(values)
  const pad = (high / low) ** 0.04
  const extent = [low / pad, high * pad] as const
  return { of: Math.log2, back: (place) => 2 ** place, ticks: ticks ?? logTicks(...extent), extent }
}

export function linearScale(values: readonly number[]): Scale {
  const [low, high] = extentOf(values)
  const pad = (high - low || Math.abs(high) || 1) * 0.06
  const extent = [low - pad, high + pad] as const
  const step = niceStep((extent[1] - extent[0]) / 5)
  const first = Math.ceil(extent[0] / step)
  const ticks = Array.from({ length: Math.floor(extent[1] / step) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  )
  return { of: (value) => value, back: (place) => place, ticks, extent }
}

/** Smallest and largest of the finite values, however many; 1 and 1 where there are none. */
export function extentOf(values: Iterable<number>): readonly [number, number] {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values)
    if (Number.isFinite(value)) {
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  return low <= high ? [low, high] : [1, 1]
}

/** Mantissas from coarse to fine; the first that gives four ticks or more is taken, thinned if it gives over nine. */
const MANTISSAS = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8]]

function logTicks(low: number, high: number): number[] {
  const decades = Array.from(
    { length: Math.floor(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => Math.floor(Math.log10(low)) + i,
  )
  const choices = MANTISSAS.map((mantissas) =>
    decades
      .flatMap((decade) => mantissas.map((m) => Number((m * 10 ** decade).toPrecision(3))))
      .filter((tick) => tick >= low && tick <= high),
  )
  const ticks = choices.find(({ length }) => length >= 4) ?? choices.at(-1)!
  const every = Math.ceil(ticks.length / 9)
  return ticks.filter((_, i) => i % every === 0)
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return [1, 2, 2.5, 5, 10].map((m) => m * power).find((step) => step >= rough) ?? 10 * power
}

/** Lengths far enough apart to be written along a logarithmic axis, in order. */
export function thin(lengths: readonly number[]): number[] {
  const kept: number[] = []
  for (const length of lengths) if (length >= (kept.at(-1) ?? 0) * 1.4) kept.push(length)
  return kept
}
