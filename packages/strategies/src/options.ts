import type { OptionValue } from './registry.js'

/** What an option may be: a number, true or false, any text, or one of several words. */
export type OptionKind = 'number' | 'boolean' | 'text' | readonly string[]

/** @throws RangeError, one line, for options that there are not, naming those there are, or values that they cannot have */
export const checkValues = (
  where: string,
  known: Readonly<Record<string, OptionKind>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, OptionValue> =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (Object.hasOwn(known, name)) return [name, optionValue(`${where}: ${name}`, known[name]!, value)]
      const names = Object.keys(known).join(', ')
      throw new RangeError(`${where}: expected an option from ${names || 'none at all'}, got ${name}`)
    }),
  )

function optionValue(where: string, kind: OptionKind, value: unknown): OptionValue {
  if (kind === 'number') {
    const number = typeof value === 'string' && value.trim() ? Number(value.replaceAll('_', '')) : value
    if (typeof number === 'number' && Number.isFinite(number)) return number
    throw new RangeError(`${where}: expected a number, got ${String(value)}`)
  }
  if (kind === 'text') return String(value)
  const words = kind === 'boolean' ? ['true', 'false'] : kind
  if (!words.includes(String(value)))
    throw new RangeError(`${where}: expected ${words.join(' or ')}, got ${String(value)}`)
  return kind === 'boolean' ? String(value) === 'true' : String(value)
}
