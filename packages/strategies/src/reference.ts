import { checkOptions, definedOptions, strategyNames } from './built-in.js'
import { checkName } from './name.js'
import { checkValues } from './options.js'
import { splitReference, variantName } from './reference-text.js'
import type { OptionValue, Variant } from './registry.js'
import { completeScaling, makeScaling, type ScalingReference, scalingOptionsOf } from './scalings.js'

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
  const { use, given, as } = splitReference(text)
  return { use, options: checkOptions(use, given), ...(as !== undefined && { as }) }
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
  const name = as ?? variantName({ use, options })
  checkName(`strategy ${use}`, name, strategyNames, AS)
  return { name, variant: { use, options: Object.fromEntries(pairs) } }
}

/** What to do for a name that a strategy with options cannot have. */
export const AS = 'name it yourself: …:as=<name>, in a plan as: <name>'

/**
 * `yarn:factor=4`, `linear:factor=2:as=stretched`: what stretches the rotary positions that a model has.
 *
 * @returns the scaling and the name that it has in results; undefined for anything else, such as a strategy
 * @throws RangeError, one line, for options that the scaling does not have, naming those there are, or a name that it cannot have
 */
export function parseScaling(text: string): { readonly name: string; readonly scaling: ScalingReference } | undefined {
  const { use, given, as } = splitReference(text)
  const known = scalingOptionsOf(use)
  if (!known) return undefined
  const scaling = { use, options: checkValues(`positions ${use}`, known, given) }
  // What an option lacks is said at once, before a model is read.
  makeScaling(completeScaling(scaling, ANY_LENGTH))
  const name = as ?? variantName(scaling)
  checkName(`positions ${use}`, name, strategyNames, AS)
  return { name, scaling }
}

/** A train length in place of a model's, for checks. */
const ANY_LENGTH = 2048

/** The text that {@link parseReference} reads. */
export const formatReference = ({ use, options, as }: Reference): string =>
  [
    use,
    ...Object.entries(options).map(([key, value]) => `${key}=${value}`),
    ...(as === undefined ? [] : [`as=${as}`]),
  ].join(':')
