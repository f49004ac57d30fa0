import type { Plugin } from '../config/plugin.js'
import { checkPlugin } from './check.js'
import { fingerprint } from './fingerprint.js'
import { type LoadedPlugin, loadPlugin } from './load.js'
import { findSource } from './source.js'
import { registerStrategy, type StrategyModel, strategyNames } from './strategies.js'
import { expectTrusted, rememberStrategy } from './trust.js'

/** Built-in names, and the plugins that other references lead to. */
export const loadStrategies = (references: readonly string[]): Promise<(string | LoadedPlugin)[]> =>
  Promise.all(references.map((each) => (strategyNames.includes(each) ? each : loadPlugin(each))))

/**
 * Takes plugins in like built-in strategies, by the names of the strategies that they make: from here on `makeStrategy`
 * knows them. Select a backend before: gradients are checked on it.
 *
 * @param model - that they are for
 * @returns the part of a run's config that says which strategies it has
 * @throws Error, one line, for one that fails the conformance suite, or whose name is taken
 */
export async function admitStrategies(
  loaded: readonly (string | LoadedPlugin)[],
  model: StrategyModel,
  log: (line: string) => void,
): Promise<{ strategies: string[]; plugins?: Record<string, Plugin> }> {
  const strategies: string[] = []
  const plugins: Record<string, Plugin> = {}
  for (const each of loaded) {
    if (typeof each === 'string') {
      strategies.push(each)
      continue
    }
    const strategy = await checkPlugin(each, model, log)
    if (strategies.includes(strategy.name))
      throw new Error(
        `strategy ${each.reference}: expected a name of its own, got ${strategy.name} once more; rename it`,
      )
    registerStrategy(strategy.name, each.factory)
    await rememberStrategy(each.reference, log)
    strategies.push(strategy.name)
    plugins[strategy.name] = { from: each.from, fingerprint: fingerprint(strategy) }
  }
  return { strategies, ...(Object.keys(plugins).length && { plugins }) }
}

/**
 * Takes in the strategy that a run or checkpoint was made with.
 *
 * @param at - where it is now, as a person named it; default: where it was, if that was named on this machine
 * @throws Error, one line, if it cannot be loaded, is not known here, or no longer computes what it did
 */
export async function restoreStrategy(
  name: string,
  plugin: Plugin,
  model: StrategyModel,
  log: (line: string) => void,
  at?: string,
): Promise<void> {
  if (at === undefined) await expectTrusted(name, plugin.from)
  const reference = at ?? plugin.from
  const loaded = await loadPlugin(reference).catch((error: Error) => {
    throw new Error(
      `${error.message}; ${name} was trained with it: put it back (eval and generate also take --strategy)`,
    )
  })
  const strategy = await checkPlugin(loaded, model, log)
  if (strategy.name !== name) throw new Error(`strategy ${reference}: expected ${name}, got ${strategy.name}`)
  if (fingerprint(strategy) !== plugin.fingerprint)
    throw new Error(
      `strategy ${reference}: expected ${name} to compute what it did when this was trained, got other values; undo the change, or train anew`,
    )
  registerStrategy(name, loaded.factory)
  if (at !== undefined) await rememberStrategy(at, log)
}

/** The strategies' names, where references lead to plugins that a run has already. */
export const namesOf = (references: readonly string[], plugins: Readonly<Record<string, Plugin>>): string[] =>
  references.map((each) => {
    if (strategyNames.includes(each) || Object.hasOwn(plugins, each)) return each
    const { from } = findSource(each)
    return Object.keys(plugins).find((name) => plugins[name]!.from === from) ?? each
  })

/** Of the strategies that a person named, those of files and packages: by where they come from, the reference. */
export const sourcesOf = (references: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    references.flatMap((each) => {
      try {
        return strategyNames.includes(each) ? [] : [[findSource(each).from, each] as const]
      } catch {
        return []
      }
    }),
  )
