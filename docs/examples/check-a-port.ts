// Is another implementation of ALiBi right? Its attention beside the float64 reference's, in the cases where ports went wrong.
import { alibi } from '@alibi/alibi'
import { type Positions, positionRange, reference, scoreBias } from '@alibi/core'

/** What a port is given. */
export interface Call {
  /** q·k before any scaling; [heads][queries][keys]. */
  readonly products: number[][][]
  readonly headDim: number
  /** Of the tokens. Fewer queries than keys: the rest is in a KV cache. */
  readonly queries: Positions
  readonly keys: Positions
  /** Whether keys ahead of a query are hidden from it. */
  readonly causal: boolean
  /** Of the model; the call has those from `firstHead` on, as a rank of tensor parallelism does. */
  readonly numHeads: number
  readonly firstHead: number
}

/** @returns attention weights, after softmax; [heads][queries][keys] */
export type Port = (call: Call) => number[][][]

interface Case {
  readonly name: string
  readonly likely: string
  readonly call?: Partial<Call>
}
const CASES: readonly Case[] = [
  {
    name: 'a whole sequence',
    likely: 'slopes (of 8 heads, 1/2 to 1/256), their sign, or a bias that 1/√headDim scaled too',
  },
  { name: 'one head', likely: 'its slope is 1/256', call: { numHeads: 1 } },
  { name: '6 heads', likely: 'no power of two: slopes of 4 heads, then every other one of 8', call: { numHeads: 6 } },
  {
    name: 'a decoding step',
    likely: 'no bias for a single query, or a distance of 0',
    call: { queries: positionRange(11, 1) },
  },
  {
    name: 'a chunk after a cache',
    likely: 'the last query belongs to the last key',
    call: { queries: positionRange(8, 4) },
  },
  {
    name: 'an encoder',
    likely: 'the column form, slope·key, which only a causal mask makes right',
    call: { causal: false },
  },
  { name: 'heads 5 to 8 of 8', likely: 'a rank that takes the first heads’ slopes', call: { firstHead: 4 } },
  {
    name: 'the end of a long sequence',
    likely: 'a bias in half precision, in the column form worst',
    call: { queries: positionRange(3071, 1), keys: positionRange(0, 3072) },
  },
]

/**
 * The first case in which a port's weights are not the reference's, in words; nothing if it passes all.
 *
 * @param tolerance - of a row's weights, half the sum of differences: 1e-3 is beyond fp32 and far below what mistakes do
 */
export function checkPort(port: Port, tolerance = 1e-3): string | undefined {
  for (const { name, likely, call: special } of CASES) {
    const shape = { headDim: 64, queries: positionRange(0, 12), keys: positionRange(0, 12), causal: true, numHeads: 8 }
    const sizes = { ...shape, firstHead: 0, ...special }
    const heads = sizes.numHeads - sizes.firstHead
    // Of about the spread that trained models have: scores of deviation 1.
    const product = (i: number) => 11 * Math.sin(1.7 * i * i)
    const row = (at: number) => Array.from(sizes.keys, (_, k) => product(at * sizes.keys.length + k))
    const products = Array.from({ length: heads }, (_, h) =>
      Array.from(sizes.queries, (_, q) => row(h * sizes.queries.length + q)),
    )
    const call = { ...sizes, products }
    const got = port(call)
    for (const [h, rows] of expectedWeights(call).entries())
      for (const [q, want] of rows.entries()) {
        const difference = want.reduce((sum, weight, k) => sum + Math.abs(weight - (got[h]?.[q]?.[k] ?? 0)) / 2, 0)
        if (!(difference <= tolerance))
          return `${name}: head ${h + 1}, query ${sizes.queries[q]}: weights differ by ${difference.toFixed(4)}; likely: ${likely}`
      }
  }
  return undefined
}

/** Softmax(q·k/√headDim − slope·distance), in float64. */
function expectedWeights({ products, headDim, queries, keys, causal, numHeads, firstHead }: Call): number[][][] {
  const bias = scoreBias(reference, alibi({ numHeads }).bias, {}, queries, keys).data
  return products.map((rows, h) =>
    rows.map((row, q) => {
      const at = ((firstHead + h) * queries.length + q) * keys.length
      const scores = row.map((product, k) =>
        causal && keys[k]! > queries[q]! ? Number.NEGATIVE_INFINITY : product / Math.sqrt(headDim) + bias[at + k]!,
      )
      return softmax(scores)
    }),
  )
}

export function softmax(scores: readonly number[]): number[] {
  const highest = scores.reduce((a, b) => Math.max(a, b))
  const powers = scores.map((score) => Math.exp(score - highest))
  const sum = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / sum)
}

// A port with the slopes that head counts from 0 give: 1, 1/2, …, 1/128.
const fromZero: Port = ({ products, headDim, queries, keys, numHeads, firstHead }) =>
  products.map((rows, h) =>
    rows.map((row, q) => {
      const slope = 2 ** ((-8 * (firstHead + h)) / numHeads)
      const score = (product: number, k: number) => product / Math.sqrt(headDim) - slope * (queries[q]! - keys[k]!)
      return softmax(row.map((product, k) => (keys[k]! > queries[q]! ? Number.NEGATIVE_INFINITY : score(product, k))))
    }),
  )
console.log(checkPort(fromZero)?.split(':')[0]) // → a whole sequence
