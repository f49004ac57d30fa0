import type { ReferenceTensor } from '../reference.js'

/** @throws Error, always: `conformance: expected X, got Y` */
export function fail(expected: string, got: string): never {
  throw new Error(`conformance: expected ${expected}, got ${got}`)
}

/** Sums of float64 rounding errors over long positions stay far below this. */
const TOLERANCE = 1e-9

const isClose = (got: number, want: number) => Math.abs(got - want) <= TOLERANCE * (1 + Math.abs(want))

/**
 * What an axis counts: heads by themselves, queries and keys by their positions. An axis without a name is left out.
 */
export type Axis = readonly [name: string, values?: ArrayLike<number | string>]

/** A possible mistake and the values that it would make. It is named if those are the values that we got. */
export interface Suspect {
  readonly mistake: string
  /** A throw rules this mistake out. */
  values(): ArrayLike<number>
}

export interface Expectation {
  /** The name of the values, for the message. */
  readonly what: string
  readonly want: ReferenceTensor
  readonly axes: readonly Axis[]
  /** Possible mistakes, from the most to the least likely. */
  readonly suspects?: readonly Suspect[]
  /** The mistake, where no suspect fits. Default: a flipped sign or a factor, where one explains the values. */
  readonly otherwise?: () => string | undefined
}

/** @throws Error with the first place that differs, and the likely mistake */
export function expectEqual(got: ReferenceTensor, { what, want, axes, suspects = [], otherwise }: Expectation): void {
  expectShape(what, got, want.shape)
  const at = want.data.findIndex((value, i) => !isClose(got.data[i]!, value))
  if (at < 0) return
  const usual = otherwise ? [] : usualSuspects(got.data, want.data)
  const suspect = [...suspects, ...usual].find((each) => isExplainedBy(got.data, each))
  const mistake = suspect?.mistake ?? otherwise?.()
  const hint = mistake === undefined ? '' : `; likely mistake: ${mistake}`
  fail(`${what}: ${want.data[at]} at ${placeOf(at, want.shape, axes)}`, `${got.data[at]}${hint}`)
}

/** Whether the values are those that the mistake makes. */
export function isExplainedBy(data: Float64Array, { values }: Suspect): boolean {
  try {
    const made = values()
    return data.every((value, i) => isClose(value, made[i]!))
  } catch {
    return false
  }
}

export function expectShape(what: string, { shape }: ReferenceTensor, want: readonly number[]): void {
  if (`${shape}` === `${want}`) return
  const isTransposed = `${[...shape].sort()}` === `${[...want].sort()}`
  fail(
    `${what} of shape [${want}]`,
    `[${shape}]${isTransposed ? '; likely mistake: axes in another order: transpose' : ''}`,
  )
}

/** @param hint - on a value that is not, by its flat index */
export function expectFinite(
  what: string,
  { data, shape }: ReferenceTensor,
  axes: readonly Axis[],
  hint: (flat: number) => string = () => '',
): void {
  const at = data.findIndex((value) => !Number.isFinite(value))
  if (at >= 0) fail(`finite ${what}`, `${data[at]} at ${placeOf(at, shape, axes)}${hint(at)}`)
}

/** Where a flat index is, e.g. `head 0, query 7, key 3`. */
function placeOf(flat: number, shape: readonly number[], axes: readonly Axis[]): string {
  let rest = flat
  const index = shape.toReversed().map((size) => {
    const i = rest % size
    rest = (rest - i) / size
    return i
  })
  return index
    .reverse()
    .map((i, axis) =>
      axes[axis]?.[0] === '' ? '' : `${axes[axis]?.[0] ?? `axis ${axis}`} ${axes[axis]?.[1]?.[i] ?? i}`,
    )
    .filter(Boolean)
    .join(', ')
}

/** Mistakes that need no knowledge of what the values are. */
function usualSuspects(got: Float64Array, want: Float64Array): Suspect[] {
  const at = want.findIndex((value) => value !== 0)
  const ratio = got[at]! / want[at]!
  return [
    { mistake: 'the sign is flipped', values: () => want.map((value) => -value) },
    {
      mistake: `a factor: every value is ${Number(ratio.toPrecision(4))} times what it should be`,
      values: () => want.map((value) => ratio * value),
    },
  ]
}
