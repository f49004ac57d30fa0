import type { PositionStrategy } from '@alibi/core'

/** What a strategy may need to know of the model it is for. */
export interface StrategyContext {
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  readonly modelDim: number
  readonly trainLength: number
}

export type StrategyFactory = (context: StrategyContext) => PositionStrategy

/** A built-in strategy with options other than its defaults. */
export interface Variant {
  /** The strategy's name. */
  readonly use: string
  readonly options: Readonly<Record<string, OptionValue>>
}

export type OptionValue = number | boolean | string

/** What decides a strategy: a run's config will do. */
export interface StrategyModel extends Omit<StrategyContext, 'headDim'> {
  /** Default modelDim / numHeads. */
  readonly headDim?: number | undefined
  /** Strategies with options, by the names that they have in results. */
  readonly variants?: Readonly<Record<string, Variant>> | undefined
}

/** Strategies by their names. */
export interface StrategyRegistry {
  has(name: string, model?: Pick<StrategyModel, 'variants'>): boolean
  /** @throws RangeError if there is no such strategy, or it cannot be made for this model */
  make(name: string, model: StrategyModel): PositionStrategy
  /** The same strategies and one more. */
  with(name: string, factory: StrategyFactory): StrategyRegistry
}

/** Only what a factory may look at: neither its options by chance, nor a run's other settings. */
export const contextOf = ({
  numHeads,
  modelDim,
  headDim = modelDim / numHeads,
  trainLength,
}: StrategyModel): StrategyContext => ({ numHeads, headDim, modelDim, trainLength })

/**
 * @param factories - by name
 * @param makeVariant - a variant's factory
 */
export function createRegistry(
  factories: ReadonlyMap<string, StrategyFactory>,
  makeVariant: (variant: Variant) => StrategyFactory,
): StrategyRegistry {
  const find = (name: string, variants: StrategyModel['variants'] = {}) =>
    Object.hasOwn(variants, name) && factories.has(variants[name]!.use)
      ? makeVariant(variants[name]!)
      : factories.get(name)
  return Object.freeze({
    has: (name: string, model?: Pick<StrategyModel, 'variants'>) => find(name, model?.variants) !== undefined,
    make(name: string, model: StrategyModel) {
      const factory = find(name, model.variants)
      if (!factory) throw new RangeError(`strategies: expected one of ${[...factories.keys()].join(', ')}, got ${name}`)
      const made = factory(contextOf(model))
      return made.name === name ? made : Object.freeze({ ...made, name })
    },
    with: (name: string, factory: StrategyFactory) =>
      createRegistry(new Map([...factories, [name, factory]]), makeVariant),
  })
}
