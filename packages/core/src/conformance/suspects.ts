// Letters: H heads, Q/K queries/keys, L tokens.
import { type ReferenceTensor, reference } from '../reference.js'
import type { Positions } from '../strategy.js'
import type { Suspect } from './expect.js'

/** What the positions become when something counts them instead of reading them. */
const countedFrom = (start: number) => (positions: Positions) => positions.map((_, i) => start + i)
const fromZero = countedFrom(0)
const consecutive = (positions: Positions) => countedFrom(positions[0]!)(positions)

export const FROM_ZERO = 'positions are counted from 0 in every call: read those that are given'
export const CONSECUTIVE =
  'positions are taken to follow each other from the first: read each, as packed documents and trees jump'

/**
 * How the bias of a tile comes to differ from the same part of the whole.
 *
 * @param whole - shape [H, L, L], of positions 0 to L − 1
 */
export function tileSuspects(whole: ReferenceTensor, queries: Positions, keys: Positions): Suspect[] {
  const at = (q: Positions, k: Positions) => reference.gather(reference.gather(whole, q, 1), k, 2).data
  return [
    {
      mistake: 'the offset of the queries is ignored: they are counted from 0 in every call, which decoding notices',
      values: () => at(fromZero(queries), keys),
    },
    {
      mistake: 'the offset of the keys is ignored: they are counted from 0 in every call',
      values: () => at(queries, fromZero(keys)),
    },
    { mistake: FROM_ZERO, values: () => at(fromZero(queries), fromZero(keys)) },
    { mistake: CONSECUTIVE, values: () => at(consecutive(queries), consecutive(keys)) },
  ]
}

/**
 * How a bias comes to differ from the known one, for one query and keys behind it.
 *
 * @param got - shape [H, 1, K]
 * @param distances - of the keys, from 0; [K]
 */
export function knownBiasSuspects(
  { data, shape }: ReferenceTensor,
  distances: readonly number[],
  want: (head: number, distance: number) => number,
): Suspect[] {
  const heads = Array.from({ length: shape[0]! }, (_, head) => head)
  const K = distances.length
  const got = (head: number, at: number) => data[head * K + at]!
  const suspect = (mistake: string, value: (head: number, distance: number, at: number) => number): Suspect => ({
    mistake,
    values: () => heads.flatMap((head) => distances.map((distance, at) => value(head, distance, at))),
  })
  const ratio = (head: number) => got(head, K - 1) / want(head, distances.at(-1)!)
  const steepestFirst = [...heads].sort((a, b) => want(a, 1) - want(b, 1))
  // The first distance from which on all values are one.
  const flat = distances.findIndex((_, at) =>
    heads.every((head) => distances.every((_, i) => i < at || got(head, i) === got(head, at))),
  )
  return [
    suspect('the bias grows with the distance: is the slope’s sign flipped?', (head, d) => -want(head, d)),
    suspect('off by one: a token is at distance 0 from itself, not 1', (head, d) => want(head, d + 1)),
    suspect('off by one: the key before a query is at distance 1, not 0', (head, d) => want(head, Math.max(0, d - 1))),
    suspect('heads are off by one: a formula that counts them from 1 begins with head 0 here', (head, d) =>
      head ? want(head - 1, d) : ratio(0) * want(0, d),
    ),
    suspect('the heads are in reverse order', (head, d) => want(heads.length - 1 - head, d)),
    suspect('the heads are sorted by slope: keep the order of the formula', (head, d) => want(steepestFirst[head]!, d)),
    suspect(
      `every value is ${Number(ratio(0).toPrecision(4))} times what it should be: the bias is added after 1/√headDim and not scaled by it`,
      (head, d) => ratio(0) * want(head, d),
    ),
    suspect(
      'each head is off by a constant: the column form, slope·key, is the same after softmax but imprecise far away; use −slope·distance',
      (head, d) => got(head, 0) + want(head, d) - want(head, 0),
    ),
    suspect(
      'the slopes: each head is a multiple of what it should be; ALiBi’s for a number of heads that is no power of two are not one geometric sequence',
      (head, d) => ratio(head) * want(head, d),
    ),
    suspect(`distances are clipped: all values are the same from distance ${distances[flat]} on`, (head, d, at) =>
      at < flat ? want(head, d) : got(head, K - 1),
    ),
  ]
}
