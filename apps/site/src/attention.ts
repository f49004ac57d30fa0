// Letters: L tokens, H heads.
import {
  attentionWeights,
  type ParameterValues,
  type PositionStrategy,
  positionRange,
  type ReferenceTensor,
  reference,
} from '@alibi/core'

/** What a head compares; every head has the same. */
interface Words {
  /** Queries; [L, headDim]. */
  readonly q: ReferenceTensor
  /** Keys; [L, headDim]. */
  readonly k: ReferenceTensor
  /** What a gate reads; [L, modelDim]. */
  readonly x?: ReferenceTensor
}

/**
 * The causal attention of one head of a layer's strategy, by all of its hooks.
 *
 * @param head - whose weights are returned. Default the first
 * @param parameters - default: the strategy's starting values
 * @returns L rows; row q has q + 1 weights
 */
export function attentionOf(
  strategy: PositionStrategy,
  { q, k, x }: Words,
  { head = 0, parameters }: { readonly head?: number; readonly parameters?: ParameterValues<ReferenceTensor> } = {},
): number[][] {
  const [L, headDim] = q.shape as [number, number]
  const { rotation, bias, gate, terms, scores, sink } = strategy
  const numHeads = [rotation, bias, gate, terms, scores, sink].find((hook) => hook?.numHeads)?.numHeads ?? head + 1
  const inEachHead = ({ shape, data }: ReferenceTensor) =>
    reference.tensor(Array.from({ length: numHeads }, () => [...data]).flat(), [numHeads, ...shape])
  const pass = { q: inEachHead(q), k: inEachHead(k), ...(x && { x }), numHeads, headDim, numQueries: L }
  const { data } = attentionWeights(strategy, { ...pass, positions: positionRange(0, L) }, parameters)
  return Array.from({ length: L }, (_, query) => {
    const start = (head * L + query) * L
    return [...data.subarray(start, start + query + 1)]
  })
}

/**
 * The attention of one word, repeated: what is not even in a row comes from the positions alone. A word is a token of ones,
 * to which an embedding is added.
 *
 * @param headDim - features of the one head looked at
 * @param head - whose bias is added
 * @returns L rows; row q has q + 1 weights, which sum to 1
 */
export function attentionOfOneWord(strategy: PositionStrategy, length: number, headDim: number, head = 0): number[][] {
  const ones = reference.tensor(new Float64Array(length * headDim).fill(1), [length, headDim])
  const { embedding } = strategy
  const tokens = embedding ? reference.add(ones, embedding.evaluate(reference, {}, positionRange(0, length))) : ones
  return attentionOf(strategy, { q: tokens, k: tokens }, { head })
}

/** How many of the last weights hold at least half. */
export function reachOfHalf(weights: readonly number[]): number {
  let sum = 0
  let count = 0
  while (sum < 0.5 && count < weights.length) sum += weights.at(-1 - count++)!
  return count
}
