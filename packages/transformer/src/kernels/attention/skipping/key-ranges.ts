// Letters: H heads, Q/K queries/keys, R the farthest distance that counts; a tile is tileSize queries.
import type { ScoreBounds } from './score-bounds.js'

/** exp of anything below −103.97 is 0 in fp32 (half of the least subnormal number is 2⁻¹⁵⁰). */
const ZERO_FROM = 104

/** A bias in numbers: −slope·distance, or any value for each distance; `table` is [H, K], flat. */
export type KnownBias =
  | { readonly slopes: ArrayLike<number> }
  | { readonly table: ArrayLike<number>; readonly length: number }

/** Which keys a tile of queries needs: those from `first[head]` to its last query. */
export interface KeyRange {
  /** Index among the keys of the tile's first and past its last query. */
  readonly start: number
  readonly end: number
  /** The first key that may have any weight, for each head. */
  readonly first: readonly number[]
}

/**
 * With scores of at most U, and at least S for the query's own key, a key at distance d scores at most U + bias(d) where
 * the row's largest is at least S + bias(0): below −104 + S − U + bias(0) a key's weight is exactly 0 in fp32, whatever the
 * other keys are. So leaving it out changes nothing.
 *
 * All keys beyond R together have at most Σ e^(U − S + bias(d) − bias(0)) over d > R times the weight of the own key: a
 * `tolerance` for that share of a row's mass lets R be smaller.
 */
export function keyRanges(
  bias: KnownBias,
  bounds: readonly ScoreBounds[],
  { numKeys, numQueries, tileSize, tolerance }: Record<'numKeys' | 'numQueries' | 'tileSize' | 'tolerance', number>,
): KeyRange[] {
  return bounds.map(({ upper, own }, tile) => {
    const start = numKeys - numQueries + tile * tileSize
    return {
      start,
      end: Math.min(start + tileSize, numKeys),
      first: upper.map((bound, head) => {
        const excess = bound - own[head]!
        const reach =
          'slopes' in bias
            ? linearReach(bias.slopes[head]!, excess, tolerance)
            : tableReach(bias.table, head * bias.length, bias.length, excess, tolerance)
        return Math.max(0, start - Math.min(start, reach))
      }),
    }
  })
}

/** The sum of e^(excess − slope·d) over d > R is e^(excess − slope·R) / (e^slope − 1). */
function linearReach(slope: number, excess: number, tolerance: number): number {
  const enough = Math.min(ZERO_FROM, -Math.log(tolerance * Math.expm1(slope)))
  const reach = (enough + excess) / slope
  return Number.isNaN(reach) ? Infinity : Math.max(0, Math.floor(reach))
}

/** Looks from the far end, as values need not fall with distance. */
function tableReach(table: ArrayLike<number>, from: number, length: number, excess: number, tolerance: number): number {
  let mass = 0
  for (let distance = length - 1; distance > 0; distance--) {
    const exponent = excess + table[from + distance]! - table[from]!
    mass += Math.exp(exponent)
    if (!(exponent < -ZERO_FROM || mass <= tolerance)) return distance
  }
  return 0
}
