type Flat = ArrayLike<number> & Iterable<number>
type Nested = number | Flat | readonly Nested[]
/** A number, an array of any depth, a typed array, or flat data with its shape. */
export type Numbers = Nested | { readonly data: Flat; readonly shape: readonly number[] }
export interface AllcloseOptions {
  readonly rtol?: number
  readonly atol?: number
}

function flatten(value: Numbers): { data: number[]; shape: readonly number[] } {
  if (typeof value === 'number') return { data: [value], shape: [] }
  if ('shape' in value) return { data: [...value.data], shape: value.shape }
  const parts = Array.from(value as ArrayLike<Nested>, flatten)
  const inner = parts[0]?.shape ?? []
  if (parts.some((part) => `${part.shape}` !== `${inner}`))
    throw new TypeError('allclose: expected a rectangular array')
  return { data: parts.flatMap((part) => part.data), shape: [parts.length, ...inner] }
}

/** @returns what is wrong, or undefined when the values are close */
export function allclose(received: Numbers, expected: Numbers, options: AllcloseOptions = {}): string | undefined {
  const { rtol = 1e-5, atol = 1e-8 } = options
  const [a, b] = [flatten(received), flatten(expected)]
  // Flat data without a shape of its own compares with any shape of that size.
  const flat = a.shape.length === 1 || b.shape.length === 1
  if (a.data.length !== b.data.length || (!flat && `${a.shape}` !== `${b.shape}`))
    return `expected shape [${b.shape}], got [${a.shape}]`
  let bad = 0
  let worst = { excess: Number.NEGATIVE_INFINITY, at: 0 }
  b.data.forEach((want, at) => {
    const got = a.data[at]!
    if (Object.is(got, want) || got === want) return
    const difference = Math.abs(got - want)
    const excess = Number.isFinite(difference) ? difference - (atol + rtol * Math.abs(want)) : Number.POSITIVE_INFINITY
    if (excess > 0) bad++
    if (excess > worst.excess) worst = { excess, at }
  })
  if (!bad) return undefined
  return (
    `expected ${b.data.length} values within rtol ${rtol} and atol ${atol}, ${bad} are not; ` +
    `worst at flat index ${worst.at}: expected ${b.data[worst.at]}, got ${a.data[worst.at]}`
  )
}
