import { checkOptions, checkStrategy, defineStrategy, fail, type PositionStrategy } from '@alibi/core'
import { visibilityOf, type WindowOptions } from './windowed.js'

/**
 * A strategy that sees a window of keys and the first tokens, in every layer (StreamingLLM; Xiao et al., ICLR 2024). Its
 * parameters keep their names, so that a model trained without a window can be read with one.
 *
 * Positions stay those of the text. The authors count them within the cache instead, which is the same for what depends on
 * the distance alone within the window, and puts the first tokens nearer than they are.
 *
 * @param strategy - where tokens are, e.g. rotary
 * @throws RangeError or TypeError for a window below 1, sinks below 0, or a strategy that has a window already
 */
export function streaming(strategy: PositionStrategy, options: WindowOptions): PositionStrategy {
  checkStrategy('streaming', strategy)
  checkOptions('streaming', options, ['window', 'sinks'])
  const visibility = visibilityOf('streaming', options)
  const made = new Map<PositionStrategy, PositionStrategy>()
  /** Layers that are one object stay one: they share parameters. */
  const seeing = (part: PositionStrategy): PositionStrategy => {
    if (part.visibility) fail('streaming', 'a strategy without a window', `${part.name}, which has one`)
    const known = made.get(part) ?? defineStrategy<PositionStrategy>({ ...part, visibility })
    made.set(part, known)
    return known
  }
  const name = `streaming-${strategy.name}`
  if (!strategy.layers) return defineStrategy<PositionStrategy>({ ...seeing(strategy), name })
  return defineStrategy<PositionStrategy>({ ...strategy, name, layers: strategy.layers.map(seeing) })
}
