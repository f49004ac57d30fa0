// Letters: B batch, H heads, Q/K queries/keys, R the farthest distance that counts; a tile is tileSize queries.
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

/** The sizes of a pass, and the share of a row's weight that may be left out. */
type Pass = Readonly<Record<'numKeys' | 'numQueries' | 'tileSize' | 'tolerance', number>>

/** The first key that may have weight in a tile, where scores exceed that of the own key by at most `excess`. */
type FirstKey = (head: number, tile: Pick<KeyRange, 'start' | 'end'>, excess: number) => number

/**
 * With scores of at most U, and at least S for the query's own key, a key at distance d scores at most U + bias(d) where
 * the row's largest is at least S + bias(0): below −104 + S − U + bias(0) a key's weight is exactly 0 in fp32, whatever the
 * other keys are. So leaving it out changes nothing.
 *
 * All keys beyond R together have at most Σ e^(U − S + bias(d) − bias(0)) over d > R times the weight of the own key: a
 * `tolerance` for that share of a row's mass lets R be smaller.
 *
 * @param gate - running sums c along the keys, [B, H, K]: a score gains c[query] − c[key], which is 0 for the own key
 */
export function keyRanges(
  bias: KnownBias,
  bounds: readonly ScoreBounds[],
  pass: Pass,
  gate?: Float32Array,
): readonly KeyRange[] {
  const { numKeys, numQueries, tileSize } = pass
  const firstKey = gate ? byContent(bias, gate, bounds[0]!.upper.length, pass) : byDistance(bias, pass)
  return bounds.map(({ upper, own }, index) => {
    const start = numKeys - numQueries + index * tileSize
    const tile = { start, end: Math.min(start + tileSize, numKeys) }
    return { ...tile, first: upper.map((bound, head) => firstKey(head, tile, bound - own[head]!)) }
  })
}

function byDistance(bias: KnownBias, { tolerance }: Pass): FirstKey {
  return (head, { start }, excess) => {
    const reach =
      'slopes' in bias
        ? linearReach(bias.slopes[head]!, excess, tolerance)
        : tableReach(bias.table, head * bias.length, bias.length, excess, tolerance)
    return Math.max(0, start - Math.min(start, reach))
  }
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

/**
 * With a gate the rule holds key by key: a tile's queries have at most the largest of their sums, and at most the bias of the
 * nearest distance or any farther one. In a batch a key counts where it does in any row.
 */
function byContent(bias: KnownBias, gate: Float32Array, numHeads: number, { numKeys, tolerance }: Pass): FirstKey {
  const farther = Array.from({ length: numHeads }, (_, head) => largestFrom(bias, head, numKeys))
  return (head, { start, end }, excess) => {
    let first = start
    for (let row = head * numKeys; row < gate.length; row += numHeads * numKeys) {
      const most = excess + gate.subarray(row + start, row + end).reduce((top, sum) => Math.max(top, sum), -Infinity)
      let mass = 0
      for (let key = 0; key < first; key++) {
        const exponent = most + farther[head]![start - key]! - gate[row + key]!
        if (tolerance) mass += Math.exp(exponent)
        if (!(exponent < -ZERO_FROM || (tolerance && mass <= tolerance))) first = key
      }
    }
    return first
  }
}

/** For each distance the largest bias there or farther, less that of the own key. */
function largestFrom(bias: KnownBias, head: number, numKeys: number): Float64Array {
  if ('slopes' in bias) return Float64Array.from({ length: numKeys }, (_, distance) => -bias.slopes[head]! * distance)
  const at = head * bias.length
  const largest = Float64Array.from({ length: numKeys }, (_, distance) => bias.table[at + distance]! - bias.table[at]!)
  for (let distance = numKeys - 2; distance >= 0; distance--)
    largest[distance] = Math.max(largest[distance]!, largest[distance + 1]!)
  return largest
}
