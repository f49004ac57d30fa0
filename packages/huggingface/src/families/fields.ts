/** The fields of a config.json, checked as they are read. */
export interface Fields {
  /**
   * A whole number ≥ 1. One field may have several names; those that are there must agree. Without a fallback one of them
   * must be there.
   */
  count(names: string | readonly string[], fallback?: number): number
  /** A count that arrays are made of before weights are seen: at most 2²⁰. */
  size(names: string | readonly string[], fallback?: number): number
  /** A finite number. */
  number(name: string, fallback?: number): number
  /** A finite number > 0. */
  positive(name: string, fallback?: number): number
  /** An array of finite numbers > 0. */
  numbers(name: string): number[]
  flag(name: string, fallback: boolean): boolean
  text(name: string, fallback: string): string
  /** A field that may be null or absent: undefined. */
  optional(name: string): unknown
  /** The object of that name; empty if there is none. */
  inside(name: string): Fields
  /** Refuses a field that is there and neither null nor one of these values. */
  only(name: string, ...values: readonly unknown[]): void
  /** @throws Error, one line, that names the field and its value */
  fail(name: string, expected: string): never
  /** The names of all fields present, also of those that are null. */
  readonly names: readonly string[]
}

const MOST = 2 ** 20

/**
 * @param where - what messages begin with
 * @param path - of the object in config.json, with a dot at its end
 * @throws Error, one line, from every reader, for a field that is not what it should be
 */
export function fieldsOf(json: Readonly<Record<string, unknown>>, where: string, path = ''): Fields {
  const given = (name: string): unknown => (Object.hasOwn(json, name) ? (json[name] ?? undefined) : undefined)
  const fail = (name: string, expected: string): never => {
    const value = given(name)
    const got = value === undefined ? `no ${path}${name}` : `${path}${name} ${JSON.stringify(value)}`
    throw new Error(`${where}: expected ${expected} in config.json, got ${got}`)
  }
  const typed = <T>(name: string, type: string, fallback: T | undefined): T => {
    const value = given(name) ?? fallback
    return typeof value === type ? (value as T) : fail(name, `${path}${name} to be a ${type}`)
  }
  const count = (names: string | readonly string[], fallback?: number, most = Number.MAX_SAFE_INTEGER): number => {
    const all = [names].flat()
    const there = all.filter((each) => given(each) !== undefined)
    const [name = all[0]!] = there
    const other = there.find((each) => given(each) !== given(name))
    if (other) fail(other, `${path}${other} to be the same as ${path}${name}, ${JSON.stringify(given(name))},`)
    const value = given(name) ?? fallback
    if (value === undefined) fail(name, all.map((each) => path + each).join(' or '))
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number
    return fail(name, `${path}${name} to be a whole number ${most === MOST ? `from 1 to ${MOST}` : '≥ 1'}`)
  }
  const number = (name: string, fallback?: number) => typed<number>(name, 'number', fallback)
  return {
    count,
    size: (names, fallback) => count(names, fallback, MOST),
    number,
    positive: (name, fallback) => {
      const value = number(name, fallback)
      return value > 0 ? value : fail(name, `${path}${name} to be a number > 0`)
    },
    numbers(name) {
      const values = given(name)
      const isOne = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value > 0
      if (Array.isArray(values) && values.length && values.every(isOne)) return values
      return fail(name, `${path}${name} to be a list of numbers > 0`)
    },
    flag: (name, fallback) => typed(name, 'boolean', fallback),
    text: (name, fallback) => typed(name, 'string', fallback),
    optional: given,
    inside(name) {
      const value = given(name) ?? {}
      if (typeof value !== 'object' || Array.isArray(value)) fail(name, `${path}${name} to be an object`)
      return fieldsOf(value as Record<string, unknown>, where, `${path}${name}.`)
    },
    only(name, ...values) {
      const value = given(name)
      if (value === undefined || values.includes(value)) return
      const supported = values.map((each) => JSON.stringify(each)).join(' or ')
      fail(name, supported ? `${path}${name} ${supported}: other variants are not supported,` : `no ${path}${name}`)
    },
    fail,
    names: Object.keys(json),
  }
}
