import type { PositionStrategy } from '@alibi/core'
import {
  AS,
  builtInStrategies,
  checkName,
  parseReference,
  type StrategyModel,
  type StrategyRegistry,
  strategyNames,
  type Variant,
  variantOf,
} from '@alibi/strategies'
import type { Plugin } from '../config/plugin.js'
import type { RunConfig } from '../config/schema.js'
import { checkPlugin } from './check.js'
import { fingerprint } from './fingerprint.js'
import { type LoadedPlugin, loadPlugin } from './load.js'
import { strategyKind } from './source.js'
import { expectTrusted, rememberModule } from './trust.js'

/** A built-in strategy's name, one with options, or a plugin. */
export type LoadedStrategy = string | { readonly name: string; readonly variant: Variant } | LoadedPlugin

/**
 * What references lead to.
 *
 * @throws Error, one line, for a strategy that there is not, or options that it does not have
 */
export const loadStrategies = (references: readonly string[]): Promise<LoadedStrategy[]> =>
  Promise.all(
    references.map((each) => {
      const reference = parseReference(each)
      return variantOf(reference) ?? (strategyNames.includes(reference.use) ? reference.use : loadPlugin(each))
    }),
  )

/** A strategy's functions take milliseconds. */
const SLOW_SECONDS = 0.1

/** The part of a run's config that says which strategies it has. */
type Admitted = Pick<RunConfig, 'strategies' | 'plugins' | 'variants'>

/**
 * Takes variants and plugins in like built-in strategies, by their own names. Select a backend before: gradients are checked
 * on it.
 *
 * @param model - that they are for
 * @returns what a run's config says of them, and what makes them
 * @throws Error, one line, for one that fails the conformance suite, cannot be made, or whose name is taken or is no name
 */
export async function admitStrategies(
  loaded: readonly LoadedStrategy[],
  model: StrategyModel & Pick<Partial<RunConfig>, 'randomPositions' | 'protocols'>,
  log: (line: string) => void,
): Promise<{ readonly config: Admitted; readonly registry: StrategyRegistry }> {
  const strategies: string[] = []
  const plugins: Record<string, Plugin> = {}
  // A preset may have its own.
  const variants: Record<string, Variant> = { ...model.variants }
  let registry = builtInStrategies
  const admit = (name: string, where: string, remedy?: string) => {
    checkName(where, name, strategies, remedy)
    strategies.push(name)
  }
  for (const each of loaded) {
    if (typeof each === 'string') {
      admit(each, `strategy ${each}`)
      expectPositions(registry.make(each, model), model)
      continue
    }
    if ('variant' in each) {
      admit(each.name, `strategy ${each.name}`, AS)
      variants[each.name] = each.variant
      expectPositions(registry.make(each.name, { ...model, variants }), model)
      continue
    }
    const strategy = await checkPlugin(each, model, log)
    admit(strategy.name, `strategy ${each.reference}`)
    expectPositions(strategy, model)
    registry = registry.with(strategy.name, each.factory)
    await rememberModule(each.reference, strategyKind, log)
    const started = performance.now()
    plugins[strategy.name] = { from: each.from, fingerprint: fingerprint(strategy) }
    const seconds = (performance.now() - started) / 1000
    if (seconds > SLOW_SECONDS)
      log(
        `strategy ${strategy.name} (${each.reference}) is slow: its functions take ${seconds.toFixed(1)} s for 48 positions, and training calls them in every step`,
      )
  }
  const config = {
    strategies,
    ...(Object.keys(plugins).length && { plugins }),
    ...(Object.keys(variants).length && { variants }),
  }
  return { config, registry }
}

/**
 * Refuses a table of positions that ends before training does, and first tokens where a streaming cache drops them.
 *
 * @throws RangeError, one line
 */
export function expectPositions(
  strategy: PositionStrategy,
  {
    trainLength,
    randomPositions,
    protocols = [],
  }: Pick<StrategyModel, 'trainLength'> & Pick<Partial<RunConfig>, 'randomPositions' | 'protocols'>,
): void {
  const { name, layers = [], maxPositions = Number.POSITIVE_INFINITY } = strategy
  const needed = randomPositions ?? trainLength
  if (maxPositions < needed)
    throw new RangeError(
      `strategy ${name}: expected at least the ${needed} positions of training, got maxPositions ${maxPositions}; give it more, or train on a shorter length`,
    )
  if (protocols.includes('streaming') && [strategy, ...layers].some(({ visibility }) => visibility?.sinks))
    throw new RangeError(
      `strategy ${name}: expected protocol nonoverlapping or sliding with its first tokens, got streaming, whose cache drops them`,
    )
}

/**
 * Takes in the strategy that a run or checkpoint was made with.
 *
 * @param registry - that it is added to
 * @param at - where it is now, as a person named it; default: where it was, if that was named on this machine
 * @throws Error, one line, if it cannot be loaded, is not known here, or no longer computes what it did
 */
export async function restoreStrategy(
  registry: StrategyRegistry,
  name: string,
  plugin: Plugin,
  model: StrategyModel,
  log: (line: string) => void,
  at?: string,
): Promise<StrategyRegistry> {
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
  if (at !== undefined) await rememberModule(at, strategyKind, log)
  return registry.with(name, loaded.factory)
}
