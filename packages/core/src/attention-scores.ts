// Letters: H heads, Q/K queries/keys, N distances, D modelDim.
import { checkInteger, checkOptions, fail } from './check.js'
import { checkStrategy } from './check-strategy.js'
import { initialParameters, type ParameterValues } from './parameters.js'
import { checkedPositions } from './positions.js'
import { type ReferenceTensor, reference } from './reference.js'
import { rotate } from './rotate.js'
import { scoreBias, shapeOf } from './score-bias.js'
import type { PositionStrategy, Positions, RelativeTerms } from './strategy.js'
import { checkOps, type TensorOps } from './tensor-ops.js'
import { isVisible } from './visibility.js'

/** The score of a key that a query does not see. It is finite, so that no row becomes NaN. */
const HIDDEN = -1e30

/** The input of {@link attentionScores}: K tokens as keys, and the last Q of them as queries. */
export interface AttentionPass<T> {
  /** Queries before rotation; [H, Q, headDim]. */
  readonly q: T
  /** Keys before rotation; [H, K, headDim]. */
  readonly k: T
  /** The vectors from which the layer projects queries and keys; a gate reads them; [K, D]. */
  readonly x?: T
  /** H */
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  /** Q, the number of queries. */
  readonly numQueries: number
  /** The positions of the K tokens. */
  readonly positions: Positions
  /** The id of each token's document; the tokens of a document are contiguous; [K]. Absent: one document. */
  readonly documents?: Int32Array
}

/**
 * A layer's attention scores with all hooks of a strategy. This is the generic path; every kernel is checked against
 * it. For a strategy with `layers`, pass the layer's own (see `layerStrategy`).
 *
 * @param parameters - the strategy's, by name; `{}` if it declares none
 * @returns scores, −1e30 where a query does not see the key; shape [H, Q, K]
 * @throws TypeError or RangeError for an invalid strategy or pass, and for a hook whose result has a wrong shape
 */
export function attentionScores<T>(
  ops: TensorOps<T>,
  strategy: PositionStrategy,
  parameters: ParameterValues<T>,
  pass: AttentionPass<T>,
): T {
  checkOps('attentionScores', ops)
  checkStrategy('attentionScores', strategy)
  const positions = checkPass(strategy, pass)
  const { numHeads: H, headDim, numQueries: Q } = pass
  const K = positions.length
  const queries = positions.subarray(K - Q)
  const { rotation, bias, gate, terms, scores: rewrite } = strategy
  const turn = (x: T, at: Positions, side: 'query' | 'key') =>
    rotation
      ? rotate(ops, rotation, x, [H, at.length, headDim], at, side, { parameters, length: lengthOf(positions) })
      : x
  const q = turn(pass.q, queries, 'query')
  const k = turn(pass.k, positions, 'key')
  const met = terms?.queryBias ? ops.add(q, ops.reshape(terms.queryBias(ops, parameters), [H, 1, headDim])) : q
  let products = ops.matmul(met, ops.transpose(k, [0, 2, 1]))
  if (terms) products = ops.add(products, relativeProducts(ops, terms, parameters, { q, k, queries, keys: positions }))
  let scores = ops.mul(products, ops.tensor([(terms?.scale ?? 1) / Math.sqrt(headDim)], [1]))
  if (bias) scores = ops.add(scores, scoreBias(ops, bias, parameters, queries, positions))
  if (gate)
    scores = ops.add(scores, gateScores(ops, shaped('gates', gate.evaluate(ops, parameters, pass.x!), [K, H]), H, K, Q))
  const seen = visibleKeys(strategy, pass, K)
  const visible = ops.tensor(seen, [1, Q, K])
  if (rewrite) {
    const batch = (x: T, length: number, width: number) => ops.reshape(x, [1, H, length, width])
    const made = rewrite.evaluate(ops, parameters, {
      scores: batch(scores, Q, K),
      q: batch(q, Q, headDim),
      k: batch(k, K, headDim),
      visible: ops.reshape(visible, [1, 1, Q, K]),
      queries,
      keys: positions,
      shape: [1, H, Q, K],
    })
    scores = ops.reshape(shaped('rewritten scores', made, [1, H, Q, K]), [H, Q, K])
  }
  // Multiplied first, so that a rewrite's scores of keys that are not visible have no effect.
  const hidden = seen.map((isSeen) => (isSeen ? 0 : HIDDEN))
  return ops.add(ops.mul(scores, visible), ops.tensor(hidden, [1, Q, K]))
}

/**
 * The attention weights of {@link attentionScores}, in float64.
 *
 * @param parameters - default: the strategy's starting values, seed 0
 * @returns weights of the keys, 0 where a query does not see one; shape [H, Q, K]. A row adds up to 1, or to less if a
 * sink takes a share
 */
export function attentionWeights(
  strategy: PositionStrategy,
  pass: AttentionPass<ReferenceTensor>,
  parameters: ParameterValues<ReferenceTensor> = initialParameters(reference, strategy?.parameters),
): ReferenceTensor {
  const { shape, data } = attentionScores(reference, strategy, parameters, pass)
  const [, Q, K] = shape as readonly [number, number, number]
  const isLog = strategy.scores?.weights === 'exp'
  const { sink: logits } = strategy
  const sinks = logits && shaped('sink logits', logits.evaluate(reference, parameters), [logits.numHeads]).data
  const weights = data.map((score) => score)
  for (let row = 0; row < data.length; row += K) {
    const scores = data.subarray(row, row + K)
    const sink = sinks?.[Math.floor(row / (Q * K))] ?? -Infinity
    const largest = isLog ? 0 : scores.reduce((a, b) => Math.max(a, b), sink)
    const shares = scores.map((score) => Math.exp(score - largest))
    const total = isLog ? 1 : shares.reduce((a, b) => a + b, Math.exp(sink - largest))
    weights.set(
      shares.map((share) => share / total),
      row,
    )
  }
  return { shape, data: weights }
}

const lengthOf = (positions: Positions) => positions.reduce((last, p) => Math.max(last, p), -1) + 1

const HEADED = ['rotation', 'bias', 'gate', 'terms', 'scores', 'sink'] as const

/** Returns the tensor. Throws if it has another shape, as far as its library lets us read it. */
function shaped<T>(what: string, x: T, want: readonly number[]): T {
  const shape = shapeOf(x)
  if (shape && `${shape}` !== `${want}`) fail('attentionScores', `${what} of shape [${want}]`, `[${shape}]`)
  return x
}

function checkPass<T>(strategy: PositionStrategy, pass: AttentionPass<T>): Positions {
  const { name, layers, gate, terms, scores } = strategy
  const where = 'attentionScores'
  checkOptions(where, pass, ['q', 'k', 'x', 'numHeads', 'headDim', 'numQueries', 'positions', 'documents'])
  if (layers) fail(where, 'the strategy of one layer', `${name}; take layerStrategy(strategy, layer)`, TypeError)
  for (const size of ['numHeads', 'headDim', 'numQueries'] as const) checkInteger(where, size, pass[size], 1)
  const positions = checkedPositions(where, 'positions', pass.positions)
  const { numHeads: H, headDim, numQueries: Q, documents } = pass
  const K = positions.length
  if (Q > K) fail(where, `at most ${K} queries, the last of ${K} tokens`, Q)
  shaped('q', pass.q, [H, Q, headDim])
  shaped('k', pass.k, [H, K, headDim])
  for (const hook of HEADED) {
    const heads = strategy[hook]?.numHeads
    if (heads !== undefined && heads !== H) fail(where, `a pass of ${heads} heads, which the ${hook} of ${name} has`, H)
  }
  const width = terms?.headDim ?? scores?.headDim ?? headDim
  if (width !== headDim) fail(where, `a pass of headDim ${width}, which ${name} is made for`, headDim)
  if (gate && pass.x === undefined) fail(where, `x, which the gate of ${name} reads`, 'none', TypeError)
  if (documents && documents.length !== K) fail(where, `${K} documents, an id for each token`, documents.length)
  return positions
}

/** 1 where a query sees a key, else 0; row-major [Q, K]. */
function visibleKeys<T>({ visibility }: PositionStrategy, pass: AttentionPass<T>, K: number): Float64Array {
  const { numQueries: Q, documents } = pass
  const seen = new Float64Array(Q * K)
  for (let i = 0; i < Q; i++) {
    const query = K - Q + i
    let start = query
    if (documents) while (start > 0 && documents[start - 1] === documents[query]) start--
    else start = 0
    for (let key = 0; key <= query; key++) seen[i * K + key] = Number(isVisible(visibility, query, key, start))
  }
  return seen
}

/** c_i − c_j for query i and key j, where c are the gates' running sums; [H, Q, K]. */
function gateScores<T>(ops: TensorOps<T>, gates: T, H: number, K: number, Q: number): T {
  const sums = ops.cumulativeSum(ops.transpose(gates, [1, 0]), 1)
  const ofQueries = ops.gather(
    sums,
    Int32Array.from({ length: Q }, (_, i) => K - Q + i),
    1,
  )
  return ops.sub(ops.reshape(ofQueries, [H, Q, 1]), ops.reshape(sums, [H, 1, K]))
}

/** q·a + k·b of every pair, picked from the products with each distance that occurs; [H, Q, K]. */
function relativeProducts<T>(
  ops: TensorOps<T>,
  terms: RelativeTerms,
  parameters: ParameterValues<T>,
  { q, k, queries, keys }: { readonly q: T; readonly k: T; readonly queries: Positions; readonly keys: Positions },
): T {
  const { numHeads: H, headDim } = terms
  const [Q, K] = [queries.length, keys.length]
  const pairs = Array.from(queries, (query) => Array.from(keys, (key) => query - key))
  const distances = Int32Array.from(new Set(pairs.flat())).sort()
  const places = new Map(Array.from(distances, (distance, place) => [distance, place]))
  const N = distances.length
  /** @param row - the row of `x` that a pair of query i and key j reads */
  const products = (x: T, length: number, vectors: T, row: (i: number, j: number) => number) => {
    const shape = shapeOf(vectors)
    if (shape && ![1, H].some((heads) => `${shape}` === `${[heads, N, headDim]}`))
      fail('attentionScores', `vectors of shape [${[H, N, headDim]}] or [${[1, N, headDim]}]`, `[${shape}]`)
    // Copies shared vectors for each head, because matmul does not broadcast.
    const each = ops.add(vectors, ops.tensor(new Float64Array(H), [H, 1, 1]))
    const all = ops.reshape(ops.matmul(x, ops.transpose(each, [0, 2, 1])), [H, length * N])
    const chosen = pairs.flatMap((distances, i) => distances.map((d, j) => row(i, j) * N + places.get(d)!))
    return ops.reshape(ops.gather(all, Int32Array.from(chosen), 1), [H, Q, K])
  }
  const ofQueries = terms.queryVectors
    ? products(q, Q, terms.queryVectors(ops, parameters, distances), (i) => i)
    : ops.tensor(new Float64Array(H * Q * K), [H, Q, K])
  if (!terms.keyVectors) return ofQueries
  return ops.add(
    ofQueries,
    products(k, K, terms.keyVectors(ops, parameters, distances), (_, j) => j),
  )
}
