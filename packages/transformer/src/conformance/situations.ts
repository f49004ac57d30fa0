// Letters: B batch, H heads, Q/K queries/keys, D headDim.
import { seededRandom } from '@alibi/core'
import { type AttentionFeature, type AttentionProblem, featuresOf } from '../kernels/attention/problem.js'
import type { Bias64, Dims } from './float64.js'

/** The sizes of the smallest problems of the suite. */
export interface Sizes {
  readonly headDim: number
  readonly numQueries: number
}

/** One problem to compute, in numbers on the host. */
export interface Situation {
  /** In words, as they end the name of a case. */
  readonly name: string
  readonly dims: Dims
  readonly kind: 'none' | 'linear' | 'table' | 'tiles'
  /** Positions that are not consecutive, by index. */
  readonly positions?: (index: number) => number
  /** Keys that no query of a row of the batch may attend to. */
  readonly masked?: (row: number, key: number) => boolean
  readonly window?: number
  /** With a window: first keys that all queries see. */
  readonly sinks?: number
  /** Running sums along the keys, whose differences are added to scores. */
  readonly gate?: boolean
  readonly float16?: boolean
  /** Scores of thousands. */
  readonly huge?: boolean
  readonly queriesPerTile?: number
}

/** What a kernel may get wrong, one thing each. */
export function situations({ headDim: D, numQueries: Q }: Sizes): readonly Situation[] {
  const whole: Dims = [2, 2, Q, Q, D]
  const decoding: Dims = [1, 2, Q, Q + 6, D]
  // Where the root of headDim is a power of two, scores of thousands are exact in fp32.
  const exact: Dims = [1, 2, Q, Q + 6, 4 ** Math.ceil(Math.log(D) / Math.log(4))]
  const masked = (row: number, key: number) => key < 3 * row
  const window = 4
  const kinds = [
    { name: 'no bias', kind: 'none' },
    { name: 'slopes', kind: 'linear' },
    { name: 'a table of distances', kind: 'table' },
    { name: 'tiles of a bias', kind: 'tiles' },
  ] as const
  return kinds.flatMap(({ name, kind }) => [
    { name, dims: whole, kind },
    { name: `${name}, more keys than queries`, dims: decoding, kind },
    { name: `${name}, one query`, dims: [2, 2, 1, 9, D], kind },
    { name: `${name}, one token`, dims: [2, 2, 1, 1, D], kind },
    { name: `${name}, an odd length in tiles`, dims: [1, 2, Q + 36, Q + 36, D], kind, queriesPerTile: 8 },
    { name: `${name}, huge scores`, dims: exact, kind, huge: true },
    { name: `${name}, padding`, dims: whole, kind, masked },
    { name: `${name}, a window`, dims: decoding, kind, window, queriesPerTile: 3 },
    { name: `${name}, a window and padding`, dims: whole, kind, window, masked, queriesPerTile: 3 },
    { name: `${name}, a window and first keys`, dims: decoding, kind, window, sinks: 2, queriesPerTile: 3 },
    { name: `${name}, a gate`, dims: decoding, kind, gate: true, queriesPerTile: 3 },
    { name: `${name}, float16 storage`, dims: decoding, kind, float16: true },
    ...(kind === 'none'
      ? [
          { name: 'a gate, one query', dims: [2, 2, 1, 9, D] as const, kind, gate: true },
          {
            name: 'a gate, an odd length in tiles',
            dims: [1, 2, Q + 36, Q + 36, D] as const,
            kind,
            gate: true,
            queriesPerTile: 8,
          },
          { name: 'a gate, a window and padding', dims: whole, kind, gate: true, window, masked, queriesPerTile: 3 },
        ]
      : []),
    ...(kind === 'linear'
      ? // Beyond 2²⁴, where float32 rounds neighbours to the same number.
        [
          {
            name: 'slopes, positions far apart',
            dims: decoding,
            kind,
            positions: (i: number) => 2 ** 25 + 3 * i + (i % 2),
          },
        ]
      : []),
  ])
}

/** The problem of a situation. */
export function problemOf(situation: Situation, backend: string, trains: boolean): AttentionProblem {
  const [batchSize, numHeads, numQueries, numKeys, headDim] = situation.dims
  const { kind, positions, masked, window, sinks, gate, float16, queriesPerTile = 128 } = situation
  const asks: AttentionFeature[] = featuresOf({
    bias: kind === 'linear' ? { kind, consecutive: !positions } : { kind },
    trainedBias: trains,
    padding: masked !== undefined,
    window: window !== undefined,
    dropout: false,
    storage: float16 ? 'float16' : 'float32',
    also: [...(sinks ? (['sinks'] as const) : []), ...(gate ? (['gate'] as const) : [])],
  })
  const sizes = { batchSize, numHeads, numQueries, numKeys, headDim }
  return { backend, ...sizes, asks, trains, window, sinks, queriesPerTile, skipTolerance: 0 }
}

/** The numbers of a situation, the same in every run; what kernels read is exactly these, in fp32. */
export interface Numbers {
  readonly q: Float64Array
  readonly k: Float64Array
  readonly v: Float64Array
  /** What the result is multiplied by, for a sum whose gradients are taken; 0 for a row that sees nothing. */
  readonly weight: Float64Array
  /** The slopes [H], the table [H, K], or the bias of every pair [H, Q, K]. */
  readonly bias: Float64Array
  /** Running sums of a gate, [B, H, K]; none without it. */
  readonly gate: Float64Array
}

/** Fresh numbers. */
export function numbersOf(situation: Situation): Numbers {
  const { dims, kind, huge, float16 } = situation
  const [B, H, Q, K, D] = dims
  const random = seededRandom(1)
  const fraction = float16 ? 2 ** 6 : 2 ** 20
  /** About normal, and exact in fp32, or in float16. */
  const normal = (size: number) =>
    Float64Array.from({ length: size }, () => {
      const x = 3 * (random() + random() + random() + random() - 2)
      return Math.round(x * fraction) / fraction
    })
  // Products of these are exact in fp32: what is left of an error is the kernel's.
  const large = (size: number) => Float64Array.from({ length: size }, () => 16 * Math.floor(17 * random() - 8))
  const make = huge ? large : normal
  const size = { none: 0, linear: H, table: H * K, tiles: H * Q * K }[kind]
  const fine = normal(size)
  const random16 = huge ? fine.map((x) => Math.round(16 * x) / 16) : fine
  const bias = kind === 'linear' ? Float64Array.from({ length: H }, (_, h) => 2 ** -(h + 2)) : random16
  return {
    q: make(B * H * Q * D),
    k: make(B * H * K * D),
    v: normal(B * H * K * D),
    weight: normal(B * H * Q * D).map((x, i) => (seesNothing(situation, Math.floor(i / D)) ? 0 : x)),
    bias,
    gate: situation.gate ? runningSums(normal(B * H * K), K) : new Float64Array(),
  }
}

/** Sums that fall along each row's keys, as those of logarithms of shares do; exact in fp32. */
function runningSums(numbers: Float64Array, K: number): Float64Array {
  let sum = 0
  return numbers.map((x, i) => {
    sum = Math.fround((i % K ? sum : 0) - Math.abs(x) / 4)
    return sum
  })
}

/** Rows of padding: they have no right result, and no gradient. */
function seesNothing(situation: Situation, row: number): boolean {
  const [, H, Q, K] = situation.dims
  const query = K - Q + (row % Q)
  const batch = Math.floor(row / Q / H)
  for (let key = 0; key <= query; key++) if (sees(situation, batch, query, key)) return false
  return true
}

/** Whether a query sees a key up to it. */
const sees = ({ masked, window = Infinity, sinks = 0 }: Situation, batch: number, query: number, key: number) =>
  !masked?.(batch, key) && (query - key < window || key < sinks)

/** Where in the bias's numbers a score's is, and what it is multiplied by. */
export function biasAt({ dims, kind, positions = (i) => i }: Situation) {
  const [, , Q, K] = dims
  return (head: number, query: number, key: number): readonly [index: number, factor: number] => {
    if (kind === 'linear') return [head, -Math.abs(positions(query) - positions(key))]
    return [kind === 'table' ? head * K + query - key : (head * Q + query - (K - Q)) * K + key, 1]
  }
}

/** What is added to each score, by the definition. */
export function bias64(situation: Situation, { bias, gate }: Numbers): Bias64 {
  const { kind, dims } = situation
  const [, H, , K] = dims
  const at = biasAt(situation)
  return (head, query, key, batch) => {
    if (!sees(situation, batch, query, key)) return -Infinity
    const row = (batch * H + head) * K
    const gained = situation.gate ? gate[row + query]! - gate[row + key]! : 0
    if (kind === 'none') return gained
    const [index, factor] = at(head, query, key)
    return bias[index]! * factor + gained
  }
}
