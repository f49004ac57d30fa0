// docs/examples/check-a-port.ts must catch what ports got wrong, and refuse none of the forms that are right.
import { alibiSlopes } from '@alibi/alibi'
import { describe, expect, it } from 'vitest'
import { type Call, checkPort, type Port, softmax } from '../../docs/examples/check-a-port.js'

/** One score of one head: a product that is scaled, a bias, the head's slope, the places in the call. */
interface Parts {
  readonly scaled: number
  readonly slope: number
  readonly query: number
  readonly key: number
  readonly call: Call
  readonly q: number
  readonly k: number
}
const relative = ({ scaled, slope, query, key }: Parts) => scaled - slope * Math.abs(query - key)

/** A port made of how it scores and what slopes it has. */
const port =
  (
    score: (parts: Parts) => number,
    slopesOf: (call: Call) => number[] = ({ numHeads, firstHead }) => alibiSlopes(numHeads).slice(firstHead),
  ): Port =>
  (call) => {
    const { products, headDim, queries, keys, causal } = call
    const slopes = slopesOf(call)
    return products.map((rows, h) =>
      rows.map((row, q) =>
        softmax(
          row.map((product, k) => {
            const [query, key] = [queries[q]!, keys[k]!]
            if (causal && key > query) return Number.NEGATIVE_INFINITY
            return score({ scaled: product / Math.sqrt(headDim), slope: slopes[h]!, query, key, call, q, k })
          }),
        ),
      ),
    )
  }
/** To the nearest number of so many bits: 11 in float16, 8 in bfloat16. */
const rounded = (x: number, bits: number) => {
  const step = 2 ** (Math.floor(Math.log2(Math.abs(x) || 1)) + 1 - bits)
  return Math.round(x / step) * step
}
const column = (bits: number) => port((p) => (p.call.causal ? rounded(p.scaled + p.slope * p.key, bits) : relative(p)))
const geometric = ({ numHeads, firstHead }: Call) =>
  Array.from({ length: numHeads }, (_, h) => 2 ** ((-8 * (h + 1)) / numHeads)).slice(firstHead)

describe('classic mistakes', () => {
  it.each<[string, Port, string]>([
    [
      'no bias in a decoding step',
      port((p) => (p.call.queries.length === 1 ? p.scaled : relative(p))),
      'a decoding step',
    ],
    ['the query’s place in the call', port((p) => relative({ ...p, query: p.q })), 'a decoding step'],
    [
      'the bias sliced from the left for a chunk',
      port((p) => p.scaled - p.slope * Math.abs(p.q - p.k)),
      'a decoding step',
    ],
    [
      'decoding handled, a chunk not: one query alone is put at the end',
      port((p) => relative(p.call.queries.length === 1 ? p : { ...p, query: p.q })),
      'a chunk after a cache',
    ],
    ['the column form without a causal mask', port((p) => p.scaled + p.slope * p.key), 'an encoder'],
    ['an unsigned distance', port((p) => p.scaled - p.slope * (p.query - p.key)), 'an encoder'],
    [
      'heads counted from 0',
      port(relative, ({ numHeads }) => alibiSlopes(numHeads).map((s) => s * 2)),
      'a whole sequence',
    ],
    ['plain geometric slopes for any count', port(relative, geometric), '6 heads'],
    [
      'sorted slopes',
      port(relative, (c) =>
        alibiSlopes(c.numHeads)
          .sort((a, b) => b - a)
          .slice(c.firstHead),
      ),
      '6 heads',
    ],
    [
      'a start of 1/2 for any count',
      port(relative, (c) => alibiSlopes(c.numHeads).map((_, h) => 2 ** -(h + 1 + c.firstHead))),
      'one head',
    ],
    ['the bias scaled by 1/√headDim', port((p) => relative({ ...p, slope: p.slope / 8 })), 'a whole sequence'],
    ['the sign turned', port((p) => relative({ ...p, slope: -p.slope })), 'a whole sequence'],
    ['scores multiplied by the bias', port((p) => p.scaled * -p.slope * Math.abs(p.query - p.key)), 'a whole sequence'],
    [
      'the first heads’ slopes on every rank',
      port(relative, ({ numHeads }) => alibiSlopes(numHeads)),
      'heads 5 to 8 of 8',
    ],
    ['the column form in float16', column(11), 'the end of a long sequence'],
    ['the column form in bfloat16', column(8), 'a whole sequence'],
    [
      'a bias that goes no further than 8 tokens',
      port((p) => relative({ ...p, query: Math.min(p.query, p.key + 8) })),
      'a whole sequence',
    ],
  ])('%s', (_mistake, wrong, where) => {
    expect(checkPort(wrong)).toMatch(new RegExp(`^${where}`))
  })
})

describe('right ports', () => {
  it.each<[string, Port]>([
    ['distances, float64', port(relative)],
    [
      'distances, float32',
      port((p) => Math.fround(Math.fround(p.scaled) - Math.fround(p.slope * Math.abs(p.query - p.key)))),
    ],
    [
      'the column form under a causal mask, float32',
      port((p) => (p.call.causal ? Math.fround(p.scaled + Math.fround(p.slope * p.key)) : relative(p))),
    ],
    [
      'distances from the last key',
      port((p) => (p.call.causal ? p.scaled + p.slope * (p.key - p.call.keys.at(-1)!) : relative(p))),
    ],
    [
      'a finite number for what is hidden',
      (call) => port(relative)(call).map((rows) => rows.map((row) => row.map((w) => w || 1e-30))),
    ],
  ])('%s', (_form, right) => {
    expect(checkPort(right)).toBeUndefined()
  })
})
