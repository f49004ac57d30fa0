import type { Positions } from './strategy.js'

/** `length` consecutive positions from `start`: a prefill at 0, a decoding step at pastLength. */
export function positionRange(start: number, length: number): Positions {
  return Int32Array.from({ length }, (_, i) => start + i)
}

/** query − key for every pair; row-major [Q, K]. */
export function pairDistances(queries: Positions, keys: Positions): Int32Array {
  const distances = new Int32Array(queries.length * keys.length)
  let i = 0
  for (const q of queries) for (const k of keys) distances[i++] = q - k
  return distances
}
