import type { PositionStrategy } from '@alibi/core'
import { huggingFaceStrategy } from '@alibi/huggingface'
import { builtInStrategies, type StrategyModel, scaleStrategy, strategyInPlaceOf } from '@alibi/strategies'
import type { Origin } from '../config/from.js'
import { restoreStrategy } from '../plugins/admit.js'

/** A model that positions are made for. */
interface Sizes extends Pick<StrategyModel, 'numHeads' | 'modelDim' | 'headDim'> {
  /** Of the result. */
  readonly name: string
}

/**
 * Makes the positions of a model as they were in training.
 *
 * @param at - where a strategy of one's own is now; absent: where it was
 * @throws Error, one line, for a strategy that cannot be loaded or no longer computes what it did
 */
export async function makePositions(
  origin: Origin,
  { name, numHeads, modelDim, headDim }: Sizes,
  log: (line: string) => void,
  at?: string,
): Promise<{ readonly strategy: PositionStrategy; readonly kind: string }> {
  const { strategy, kind } = await make(origin, { numHeads, modelDim, headDim }, log, at)
  return { strategy: strategy.name === name ? strategy : Object.freeze({ ...strategy, name }), kind }
}

async function make(
  origin: Origin,
  sizes: Omit<Sizes, 'name'>,
  log: (line: string) => void,
  at: string | undefined,
): Promise<{ readonly strategy: PositionStrategy; readonly kind: string }> {
  if ('transformers' in origin) {
    const { strategy } = huggingFaceStrategy(origin.transformers)
    return { strategy, kind: strategy.name }
  }
  if ('scaling' in origin) {
    const own = await make(origin.of, sizes, log, at)
    return { ...own, strategy: scaleStrategy(own.strategy, origin.scaling, own.strategy.name) }
  }
  const { strategy: name, trainLength, variant, plugin, windowsOf } = origin
  const model = { ...sizes, trainLength, ...(variant && { variants: { [name]: variant } }) }
  const registry = plugin ? await restoreStrategy(builtInStrategies, name, plugin, model, log, at) : builtInStrategies
  const made = registry.make(name, model)
  const strategy = windowsOf ? strategyInPlaceOf((await make(windowsOf, sizes, log, at)).strategy, made) : made
  return { strategy, kind: variant?.use ?? name }
}

/** Whether the bench has what it is made of, or knows where that came from. */
export function isKnown(origin: Origin): boolean {
  if ('transformers' in origin) return true
  if ('scaling' in origin) return isKnown(origin.of)
  const { strategy, variant, plugin, windowsOf } = origin
  const variants = variant && { [strategy]: variant }
  return (plugin !== undefined || builtInStrategies.has(strategy, { variants })) && (!windowsOf || isKnown(windowsOf))
}

/** Whether a strategy of somebody's own is part of it. */
export function hasPlugin(origin: Origin): boolean {
  if ('transformers' in origin) return false
  if ('scaling' in origin) return hasPlugin(origin.of)
  return origin.plugin !== undefined || (origin.windowsOf !== undefined && hasPlugin(origin.windowsOf))
}
