import { formatReference, parseReference, strategyNames, variantOf } from '@alibi/strategies'
import type { RunConfig, RunOptions } from '../config/schema.js'
import { findSource } from './source.js'

type Known = Pick<RunConfig, 'plugins' | 'variants'>

/** A strategy as it was asked for: what leads to the strategy of that name again. */
export function referenceOf(name: string, { plugins = {}, variants = {} }: Known): string {
  const variant = Object.hasOwn(variants, name) ? variants[name]! : undefined
  // A preset's own: a built-in strategy with other options, by its name.
  if (variant?.use === name) return name
  if (variant) {
    const plain = variantOf(variant)?.name === name
    return formatReference(plain ? variant : { ...variant, as: name })
  }
  return Object.hasOwn(plugins, name) ? plugins[name]!.from : name
}

/** A run's config as a person would have asked for it. */
export const asGiven = ({ plugins, variants, ...config }: RunConfig): RunOptions => ({
  ...config,
  strategies: config.strategies.map((name) => referenceOf(name, { plugins, variants })),
})

/** The strategies' names, where references lead to plugins that a run has already. */
export const namesOf = (references: readonly string[], { plugins = {} }: Known): string[] =>
  references.map((each) => {
    if (strategyNames.includes(each) || Object.hasOwn(plugins, each)) return each
    const named = variantOf(parseReference(each))
    if (named) return named.name
    const { from } = findSource(each)
    return Object.keys(plugins).find((name) => plugins[name]!.from === from) ?? each
  })

/** The references that a person gave to strategies of files and packages, by where each comes from. */
export const sourcesOf = (references: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    references.flatMap((each) => {
      try {
        return strategyNames.includes(parseReference(each).use) ? [] : [[findSource(each).from, each] as const]
      } catch {
        return []
      }
    }),
  )
