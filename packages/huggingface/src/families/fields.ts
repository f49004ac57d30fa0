/** The fields of a config.json, checked as they are read. */
export interface Fields {
  /** The first of the names that is there. Without a fallback it must be. */
  count(names: string | readonly string[], fallback?: number): number
  number(name: string, fallback: number): number
  flag(name: string, fallback: boolean): boolean
  text(name: string, fallback: string): string
  /** A field that may be null or absent: undefined. */
  optional(name: string): unknown
  /** The object of that name; empty if there is none. */
  inside(name: string): Fields
  /** Refuses a field that is there and neither null nor one of these values. */
  only(name: string, ...values: readonly unknown[]): void
  readonly names: readonly string[]
}

/**
 * @param where - what messages begin with
 * @throws Error, one line, from every reader, for a field that is not what it should be
 */
export function fieldsOf(json: Readonly<Record<string, unknown>>, where: string): Fields {
  const fail = (name: string, expected: string): never => {
    throw new Error(`${where}: expected ${expected} in config.json, got ${name} ${JSON.stringify(json[name])}`)
  }
  const typed = <T>(name: string, type: string, fallback: T): T => {
    const value = json[name] ?? fallback
    return typeof value === type ? (value as T) : fail(name, `a ${type}`)
  }
  return {
    count(names, fallback) {
      const all = [names].flat()
      const name = all.find((each) => json[each] != null) ?? all[0]!
      const value = json[name] ?? fallback
      if (value === undefined) throw new Error(`${where}: expected ${all.join(' or ')} in config.json, got none`)
      return Number.isInteger(value) && (value as number) >= 1 ? (value as number) : fail(name, 'a whole number ≥ 1')
    },
    number: (name, fallback) => typed(name, 'number', fallback),
    flag: (name, fallback) => typed(name, 'boolean', fallback),
    text: (name, fallback) => typed(name, 'string', fallback),
    optional: (name) => json[name] ?? undefined,
    inside: (name) => fieldsOf((json[name] ?? {}) as Record<string, unknown>, where),
    only(name, ...values) {
      if (json[name] != null && !values.includes(json[name]))
        fail(
          name,
          `${name} ${values.map((value) => JSON.stringify(value)).join(' or ')}: other variants are not supported,`,
        )
    },
    names: Object.keys(json),
  }
}
