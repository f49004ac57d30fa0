import type { OptionValue } from './registry.js'

/** What a command line names, not yet checked: `name:option=value:…:as=other`. */
interface ReferenceText {
  readonly use: string
  readonly given: Readonly<Record<string, string>>
  readonly as: string | undefined
}

/**
 * @param what - a reference is to, in the message
 * @throws RangeError, one line, for an option that is there twice
 */
export function splitReference(text: string, what = 'strategy'): ReferenceText {
  const [, use = text, tail = ''] = /^([^:]+)((?::[A-Za-z]\w*=[^:]*)+)$/s.exec(text) ?? []
  const pairs = tail
    .split(':')
    .slice(1)
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
  const repeated = pairs.find(([key], i) => pairs.findIndex(([other]) => other === key) !== i)
  if (repeated) throw new RangeError(`${what} ${text}: expected each option once, got ${repeated[0]} twice`)
  const { as, ...given } = Object.fromEntries(pairs)
  return { use, given, as }
}

/** The name of what is used with options: both, in the options' alphabetical order. */
export const variantName = ({
  use,
  options,
}: {
  readonly use: string
  readonly options: Readonly<Record<string, OptionValue>>
}): string =>
  [
    use,
    ...Object.entries(options)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flat(),
  ]
    .join('-')
    .replace(/[^\w.+-]/g, '_')
