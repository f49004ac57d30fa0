import { checkInteger } from './check.js'
import type { Visibility } from './strategy.js'

/**
 * Whether a query sees a key. It sees no key ahead and none of another document; of the rest it sees those in the
 * window and the sinks.
 *
 * @param visibility - the layer's; absent: all keys behind
 * @param query - the query's index in the sequence, in tokens from 0
 * @param key - the key's index
 * @param start - the index at which the query's document begins. Default 0
 * @throws RangeError or TypeError for indices that are no integers ≥ 0
 */
export function isVisible(visibility: Visibility | undefined, query: number, key: number, start = 0): boolean {
  checkInteger('isVisible', 'query', query, 0)
  checkInteger('isVisible', 'key', key, 0)
  if (key > query || key < start) return false
  const { window = Infinity, sinks = 0 } = visibility ?? {}
  return query - key < window || key - start < sinks
}
