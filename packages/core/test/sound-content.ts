import type { ConformanceOptions, PlainParameters } from '../src/conformance/index.js'
import type {
  ParameterValues,
  PositionStrategy,
  RelativeTerms,
  ScoreRewrite,
  ScoreRows,
  TensorOps,
} from '../src/index.js'
import { make, table } from './sound-strategies.js'

// What small strategies that read content are made of: 2 heads, headDim 4, modelDim 4.

export { make, rotation, table } from './sound-strategies.js'

/** A gate of two heads of what x·w is. */
export const gate = (
  of: <T>(ops: TensorOps<T>, z: T) => T,
): PositionStrategy & Required<Pick<PositionStrategy, 'gate'>> =>
  make({
    parameters: { w: table(4, 2) },
    gate: { numHeads: 2, modelDim: 4, evaluate: (ops, { w }, x) => of(ops, ops.matmul(x, w!)) },
  })

/** ln σ(x·w): the forget gate that is known. */
export const forgetting = (head: number, x: Float64Array, { w }: PlainParameters) =>
  -Math.log1p(Math.exp(-x.reduce((sum, value, i) => sum + value * w![2 * i + head]!, 0)))

const lastOfEight = (distance: number) => Math.min(8, Math.max(0, distance))

export const clippedTable = (distances: Int32Array) => distances.map(lastOfEight)

/** Rows of a table of distances up to 8 that queries meet, unless `changes` have vectors of their own. */
export const terms = (
  changes: Partial<RelativeTerms>,
  row: (distance: number, i: number) => number = lastOfEight,
): PositionStrategy & Required<Pick<PositionStrategy, 'terms'>> =>
  make({
    parameters: { rows: table(9, 4) },
    terms: { numHeads: 2, headDim: 4, queryVectors: (ops, { rows }, d) => rowsOf(ops, rows!, d.map(row)), ...changes },
  })

const rowsOf = <T>(ops: TensorOps<T>, rows: T, places: Int32Array) =>
  ops.reshape(ops.gather(rows, places, 0), [1, places.length, 4])

export const rewrite = (
  evaluate: <T>(ops: TensorOps<T>, rows: ScoreRows<T>) => T,
  changes: Partial<ScoreRewrite> = {},
): PositionStrategy & Required<Pick<PositionStrategy, 'scores'>> =>
  make({
    scores: { numHeads: 2, headDim: 4, evaluate: (ops, _parameters, rows) => evaluate(ops, rows), ...changes },
  })

/** limit·tanh(x/limit) */
export const cap = (limit: number) => (x: number) => limit * Math.tanh(x / limit)

/** The same of scores, as tanh x = 2σ(2x) − 1. */
export const softCapped = (limit: number) =>
  rewrite((ops, { scores }) => {
    const [factor, whole, half] = [2 / limit, 2 * limit, limit].map((x) => ops.tensor([x], [1])) as [
      typeof scores,
      typeof scores,
      typeof scores,
    ]
    return ops.sub(ops.mul(whole, ops.sigmoid(ops.mul(factor, scores))), half)
  })

/** Sums over the keys from each one on. */
const sumFrom = <T>(ops: TensorOps<T>, x: T) => ops.add(x, ops.sub(ops.sum(x, 3), ops.cumulativeSum(x, 3)))

/** Weights σ(s_j)·Π(1 − σ(s)) of the keys after j, as logarithms (Tan et al., 2024). */
const stickBreaking = rewrite(
  (ops, { scores, visible }) => {
    const left = ops.mul(ops.logSigmoid(ops.neg(scores)), visible)
    return ops.add(ops.logSigmoid(scores), ops.sub(sumFrom(ops, left), left))
  },
  { weights: 'exp' },
)

const logSigmoid = (x: number) => -Math.log1p(Math.exp(-x))

/** Positions are sums of gates, and their embeddings interpolated (CoPE; Golovneva et al., 2024). */
const cope: PositionStrategy = make({
  parameters: { rows: table(5, 4) },
  scores: {
    numHeads: 2,
    headDim: 4,
    evaluate<T>(
      ops: TensorOps<T>,
      { rows }: ParameterValues<T>,
      { scores, q, visible, shape: [B, H, Q, K] }: ScoreRows<T>,
    ) {
      const gates = ops.mul(ops.sigmoid(scores), visible)
      const four = ops.tensor([4], [1])
      const counted = sumFrom(ops, gates)
      const places = ops.sub(four, ops.relu(ops.sub(four, counted)))
      const met = ops.reshape(ops.matmul(ops.reshape(q, [B * H * Q, 4]), ops.transpose(rows!, [1, 0])), [
        B * H * Q,
        5,
        1,
      ])
      const apart = ops.abs(ops.sub(ops.reshape(places, [B * H * Q, K, 1]), ops.tensor([0, 1, 2, 3, 4], [5])))
      const shares = ops.relu(ops.sub(ops.tensor([1], [1]), apart))
      return ops.add(scores, ops.reshape(ops.matmul(shares, met), [B, H, Q, K]))
    },
  },
})

/** The same, as the paper says it. */
const knownCope: ConformanceOptions['scores'] = (_head, { scores, q }, { rows }) => {
  const met = Array.from({ length: 5 }, (_, n) => q.reduce((sum, x, i) => sum + x * rows![4 * n + i]!, 0))
  return Array.from(scores, (score, key) => {
    const counted = scores.subarray(key).reduce((sum, s) => sum + 1 / (1 + Math.exp(-s)), 0)
    const place = Math.min(4, counted)
    const [below, above] = [Math.floor(place), Math.ceil(place)]
    return score + met[above]! * (place - below) + met[below]! * (1 - (place - below))
  })
}

const sinkOf = (values: readonly number[]): PositionStrategy =>
  make({ sink: { numHeads: values.length, evaluate: (ops) => ops.tensor(values, [values.length]) } })

/** Sines of the distance through a matrix of each head, and a vector met by all keys. */
const transformerXl = make({
  parameters: { w: table(2, 8), u: table(2, 4), v: table(2, 1, 4) },
  bias: {
    kind: 'distance',
    numHeads: 2,
    evaluate: (ops, { w, v }, distances) =>
      ops.mul(
        ops.reshape(ops.matmul(v!, ops.transpose(ofSines(ops, w!, distances), [0, 2, 1])), [2, distances.length]),
        ops.tensor([0.5], [1]),
      ),
  },
  terms: {
    numHeads: 2,
    headDim: 4,
    queryVectors: (ops, { w }, distances) => ofSines(ops, w!, distances),
    queryBias: (_ops, { u }) => u!,
  },
})

function ofSines<T>(ops: TensorOps<T>, w: T, distances: Int32Array): T {
  const sines = ops.tensor(
    Float64Array.from({ length: 2 * distances.length }, (_, i) =>
      i % 2 ? Math.cos(distances[Math.floor(i / 2)]!) : Math.sin(distances[Math.floor(i / 2)]!),
    ),
    [distances.length, 2],
  )
  return ops.transpose(ops.reshape(ops.matmul(sines, w), [distances.length, 2, 4]), [1, 0, 2])
}

const product = (x: Float64Array, rows: Float64Array, row: number) =>
  x.reduce((sum, value, i) => sum + value * rows[4 * row + i]!, 0)

interface Sound {
  readonly what: string
  readonly strategy: PositionStrategy
  readonly options?: ConformanceOptions
}

const capped = softCapped(5)

/** Strategies that read content or differ by layer, without a mistake. */
export const soundContent: readonly Sound[] = [
  {
    what: 'a forget gate',
    strategy: gate((ops, z) => ops.logSigmoid(z)),
    options: { gate: forgetting },
  },
  { what: 'decay in proportion to what a token is, as −softplus', strategy: gate((ops, z) => ops.neg(ops.relu(z))) },
  {
    what: 'clipped distances that queries meet (Shaw)',
    strategy: terms({}),
    options: { terms: (_head, distance, { q }, { rows }) => product(q, rows!, lastOfEight(distance)) },
  },
  {
    what: 'distances that queries and keys meet, all scaled (DeBERTa)',
    strategy: terms({
      scale: Math.sqrt(1 / 3),
      keyVectors: (ops, { rows }, distances) =>
        rowsOf(
          ops,
          rows!,
          distances.map((d) => lastOfEight(d + 1)),
        ),
    }),
    options: {
      terms: (_head, distance, { q, k }, { rows }) =>
        product(q, rows!, lastOfEight(distance)) + product(k, rows!, lastOfEight(distance + 1)),
    },
  },
  { what: 'sines of the distance through a matrix, and biases of queries (Transformer-XL)', strategy: transformerXl },
  {
    what: 'a soft cap',
    strategy: softCapped(50),
    options: { scores: (_head, { scores }) => Array.from(scores, cap(50)) },
  },
  { what: 'positions that count what queries like (CoPE)', strategy: cope, options: { scores: knownCope } },
  {
    what: 'stick-breaking weights',
    strategy: stickBreaking,
    options: {
      scores: (_head, { scores }) =>
        Array.from(
          scores,
          (score, key) =>
            logSigmoid(score) + scores.subarray(key + 1).reduce((sum, after) => sum + logSigmoid(-after), 0),
        ),
    },
  },
  { what: 'an off-by-one softmax', strategy: sinkOf([0, 0, 0]) },
  {
    what: 'a trained sink logit a head',
    strategy: make({
      parameters: { logits: table(4) },
      sink: { numHeads: 4, evaluate: (_ops, { logits }) => logits! },
    }),
  },
  { what: 'a window and the first tokens', strategy: make({ visibility: { window: 3, sinks: 2 } }) },
  {
    what: 'layers of different kinds, one twice',
    strategy: make({ layers: [capped, terms({}), capped, make({ visibility: { window: 4 } }), make({})] }),
  },
]
