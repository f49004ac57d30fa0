import type { ReferenceTensor } from '../reference.js'

/** @throws Error, always: `conformance: expected X, got Y` */
export function fail(expected: string, got: string): never {
  throw new Error(`conformance: expected ${expected}, got ${got}`)
}

/** Sums of float64 rounding errors over long positions stay far below this. */
const TOLERANCE = 1e-9

/** @param what - that these are, for the message */
export function expectEqual(what: string, got: ReferenceTensor, want: ReferenceTensor): void {
  expectShape(what, got, want.shape)
  want.data.forEach((value, i) => {
    if (!(Math.abs(got.data[i]! - value) <= TOLERANCE * (1 + Math.abs(value))))
      fail(`${what}: ${value} at flat index ${i}`, `${got.data[i]}`)
  })
}

export function expectShape(what: string, { shape }: ReferenceTensor, want: readonly number[]): void {
  if (`${shape}` !== `${want}`) fail(`${what} of shape [${want}]`, `[${shape}]`)
}

export function expectFinite(what: string, data: Float64Array): void {
  const at = data.findIndex((value) => !Number.isFinite(value))
  if (at >= 0) fail(`finite ${what}`, `${data[at]} at flat index ${at}`)
}
