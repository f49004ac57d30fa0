import { checkInteger } from './check.js'
import type { Visibility } from './strategy.js'

/**
 * Whether a query sees a key: no key ahead, none of another document, and of the others those that the visibility names.
 *
 * @param visibility - of the layer; absent: all keys behind
 * @param query - its place in the sequence, in tokens from 0
 * @param key - its place
 * @param start - the place where the query's document begins. Default 0
 * @throws RangeError or TypeError for places that are no integers
 */
export function isVisible(visibility: Visibility | undefined, query: number, key: number, start = 0): boolean {
  checkInteger('isVisible', 'query', query, 0)
  checkInteger('isVisible', 'key', key, 0)
  if (key > query || key < start) return false
  const { window = Infinity, sinks = 0 } = visibility ?? {}
  return query - key < window || key - start < sinks
}
