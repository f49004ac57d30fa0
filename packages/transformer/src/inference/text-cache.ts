// Letters: P cached tokens.
import { layerStrategy } from '@alibi/core'
import { checkCausal, checkModel } from '../model/check-model.js'
import type { Model } from '../model/model.js'
import { createKvCache, type KvCache } from './kv-cache.js'

/** What a model has read of a text, from one call of `generate` to the next: each turn of a conversation reads only what is new. */
export interface TextCache {
  /** The model that has read it. */
  readonly model: Model
  /** P, the tokens that it has. */
  readonly length: number
  /**
   * Hands over the keys and values of the tokens that a prompt begins with, all but its last at most, and forgets the others:
   * {@link keep} gives them back.
   */
  take(prompt: Int32Array): KvCache
  /**
   * Takes over a cache, in place of what it had.
   *
   * @param text - begins with the tokens of the cache
   */
  keep(text: Int32Array, cache: KvCache): void
  /** Frees its tensors. */
  dispose(): void
}

/**
 * An empty one; {@link TextCache.dispose} frees what it comes to hold.
 *
 * @param model - whose weights stay: what is kept is of now
 * @throws RangeError or TypeError, one line, for anything but a model that is causal
 */
export function createTextCache(model: Model): TextCache {
  checkModel('createTextCache', model)
  checkCausal('createTextCache', model)
  let tokens = new Int32Array()
  let held: KvCache | undefined
  const forget = () => {
    held?.dispose()
    held = undefined
    tokens = new Int32Array()
  }
  return {
    model,
    get length() {
      return tokens.length
    },
    take(prompt) {
      const cache = held ?? createKvCache()
      // The last token is read again, as its logits are what comes next.
      cache.keepFirst(Math.min(sameStart(tokens, prompt), Math.max(0, prompt.length - 1)))
      held = undefined
      tokens = new Int32Array()
      return cache
    },
    keep(text, cache) {
      forget()
      if (readsLength(model)) return cache.dispose()
      held = cache
      tokens = text.slice(0, cache.pastLength)
    },
    dispose: forget,
  }
}

/**
 * Whether the keys and values of a token depend on how long the text is when it is read: those of rotations that read the length of
 * the pass (dynamic NTK, LongRoPE), by way of the layers before. A longer text that is read anew has others, so each turn reads all
 * of it. All other hooks give a token what it and those before it decide, a window and positions within a cache too.
 */
function readsLength({ strategy, config }: Model): boolean {
  return Array.from({ length: config.numLayers }, (_, layer) => layerStrategy(strategy, layer)).some(
    ({ rotation }) => rotation?.cacheable === false,
  )
}

/** How many tokens two texts have in common from their start. */
function sameStart(a: Int32Array, b: Int32Array): number {
  const other = a.findIndex((token, i) => token !== b[i])
  return other < 0 ? a.length : other
}
