import { checkInteger, fail } from './check.js'
import type { Positions } from './strategy.js'

const [LOWEST, HIGHEST] = [-(2 ** 31), 2 ** 31 - 1]

/**
 * `length` consecutive positions from `start`: a prefill at 0, a decoding step at pastLength.
 *
 * @throws RangeError or TypeError for a start or length that is no integer, a length below 0, or positions beyond int32
 */
export function positionRange(start: number, length: number): Positions {
  checkInteger('positionRange', 'start', start, LOWEST)
  checkInteger('positionRange', 'length', length, 0)
  if (start + length - 1 > HIGHEST) fail('positionRange', `positions ≤ 2³¹ − 1`, `${start} to ${start + length - 1}`)
  return Int32Array.from({ length }, (_, i) => start + i)
}

/**
 * Positions as the hooks take them: an Int32Array as it is, integers in another array as a copy.
 *
 * @throws TypeError or RangeError for anything else
 */
export function checkedPositions(where: string, name: string, value: ArrayLike<number>): Positions {
  if (value instanceof Int32Array) return value
  if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && !(value instanceof DataView)))
    fail(where, `${name} as an Int32Array`, value, TypeError)
  const positions = Array.from(value as ArrayLike<unknown>)
  const isPosition = (p: unknown) => Number.isInteger(p) && (p as number) >= LOWEST && (p as number) <= HIGHEST
  const bad = positions.findIndex((p) => !isPosition(p))
  if (bad >= 0) fail(where, `${name} as integers of 32 bits`, `${String(positions[bad])} at ${bad}`)
  return Int32Array.from(positions as number[])
}

/** query − key for every pair; row-major [Q, K]. Exact wherever positions are. */
export function pairDistances(queries: Positions, keys: Positions): Float64Array {
  const distances = new Float64Array(queries.length * keys.length)
  let i = 0
  for (const q of queries) for (const k of keys) distances[i++] = q - k
  return distances
}
