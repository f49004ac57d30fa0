import { checkOptions, definedOptions, strategyNames } from './built-in.js'
import { checkName } from './name.js'
import type { OptionValue, Variant } from './registry.js'

/** A strategy as a command line names it. */
interface Reference {
  /** A built-in strategy's name, or a file or package. */
  readonly use: string
  readonly options: Readonly<Record<string, OptionValue>>
  /** The name it goes by. Absent: its own, or one made of its options. */
  readonly as?: string | undefined
}

/**
 * `rotary`, `rotary:base=500000`, `t5-bias:numBuckets=64:maxDistance=256:as=t5-fine`. Anything else is a file or package.
 *
 * @throws RangeError, one line, for options that the strategy does not have, naming those there are
 */
export function parseReference(text: string): Reference {
  const [, use = text, tail = ''] = /^([^:]+)((?::[A-Za-z]\w*=[^:]*)+)$/s.exec(text) ?? []
  const pairs = tail
    .split(':')
    .slice(1)
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
  const repeated = pairs.find(([key], i) => pairs.findIndex(([other]) => other === key) !== i)
  if (repeated) throw new RangeError(`strategy ${text}: expected each option once, got ${repeated[0]} twice`)
  const { as, ...options } = Object.fromEntries(pairs)
  return { use, options: checkOptions(use, options), ...(as !== undefined && { as }) }
}

/**
 * A built-in strategy with options, and the name it has in results.
 *
 * @returns undefined for one without, or one that is not built in
 * @throws RangeError, one line, for a name that it cannot have
 */
export function variantOf({
  use,
  options,
  as,
}: Reference): { readonly name: string; readonly variant: Variant } | undefined {
  if (!definedOptions(use)) {
    if (as === undefined) return undefined
    throw new RangeError(
      `strategy ${use}: expected as with a built-in strategy, got as=${as}; it has the name that its code gives it`,
    )
  }
  const pairs = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))
  if (!pairs.length && as === undefined) return undefined
  const name = as ?? [use, ...pairs.flat()].join('-').replace(/[^\w.+-]/g, '_')
  checkName(`strategy ${use}`, name, strategyNames, AS)
  return { name, variant: { use, options: Object.fromEntries(pairs) } }
}

/** What to do for a name that a strategy with options cannot have. */
export const AS = 'name it yourself: …:as=<name>, in a plan as: <name>'

/** The text that {@link parseReference} reads. */
export const formatReference = ({ use, options, as }: Reference): string =>
  [
    use,
    ...Object.entries(options).map(([key, value]) => `${key}=${value}`),
    ...(as === undefined ? [] : [`as=${as}`]),
  ].join(':')
