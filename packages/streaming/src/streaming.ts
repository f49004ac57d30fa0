import {
  checkInteger,
  checkOneOf,
  checkOptions,
  checkStrategy,
  defineStrategy,
  fail,
  type PositionStrategy,
} from '@alibi/core'
import { checkDistances, positionsInCache } from './positions-in-cache.js'
import { visibilityOf, type WindowOptions } from './windowed.js'

/** What {@link streaming} takes. */
export interface StreamingOptions extends WindowOptions {
  /**
   * How far the first tokens are. `text`: as far as in the text. `cache`: as in the authors' code, as far as in a cache that
   * holds these tokens and the window alone, at most sinks + window − 1. Default `text`.
   */
  readonly positions?: 'text' | 'cache'
  /** H, of the model; `cache` needs it. */
  readonly numHeads?: number
  /** The width of a head; `cache` needs it. */
  readonly headDim?: number
}

/**
 * A strategy that sees a window of keys and the first tokens, in every layer (StreamingLLM; Xiao et al., ICLR 2024). Its
 * parameters keep their names, so that a model trained without a window can be read with one.
 *
 * With positions `cache`, no distance is beyond sinks + window − 1, so a model may read any length and never meets one that
 * it was not trained for. Distances within the window are the same as in the text. The scores of the first tokens are
 * computed again, for the query's place in the cache; positions must be counted from 0.
 *
 * @param strategy - where tokens are, e.g. rotary; with `cache`, a rotation or bias of the distance alone
 * @throws RangeError or TypeError for a window below 1, sinks below 0, a strategy that has a window already, or one that
 * `cache` does not suit
 */
export function streaming(strategy: PositionStrategy, options: StreamingOptions): PositionStrategy {
  checkStrategy('streaming', strategy)
  checkOptions('streaming', options, ['window', 'sinks', 'positions', 'numHeads', 'headDim'])
  const { window, sinks = 0, positions = 'text', numHeads, headDim } = options
  const visibility = visibilityOf('streaming', { window, sinks })
  checkOneOf('streaming', 'positions', positions, ['text', 'cache'])
  if (positions === 'cache') {
    checkInteger('streaming', 'numHeads', numHeads, 1)
    checkInteger('streaming', 'headDim', headDim, 1)
    for (const part of [strategy, ...(strategy.layers ?? [])]) checkDistances(part)
  }
  const made = new Map<PositionStrategy, PositionStrategy>()
  /** Layers that are one object stay one: they share parameters. */
  const seeing = (part: PositionStrategy): PositionStrategy => {
    if (part.visibility) fail('streaming', 'a strategy without a window', `${part.name}, which has one`)
    const sizes = { numHeads: numHeads!, headDim: headDim!, window, sinks }
    const scores = positions === 'cache' && positionsInCache(part, sizes)
    const known = made.get(part) ?? defineStrategy<PositionStrategy>({ ...part, ...(scores && { scores }), visibility })
    made.set(part, known)
    return known
  }
  const name = `streaming-${strategy.name}`
  if (!strategy.layers) return defineStrategy<PositionStrategy>({ ...seeing(strategy), name })
  return defineStrategy<PositionStrategy>({ ...strategy, name, layers: strategy.layers.map(seeing) })
}
