import { initialParameters, type ParameterValues, seededRandom } from '../parameters.js'
import { positionRange } from '../positions.js'
import { type ReferenceTensor, reference } from '../reference.js'
import { biasOfDistances, scoreBias } from '../score-bias.js'
import { sizeOf } from '../size-of.js'
import type { PositionStrategy, Positions, ScoreRows } from '../strategy.js'
import type { TensorOps } from '../tensor-ops.js'
import type { PlainParameters } from './check.js'

/** Parameters with different values everywhere: many start as zeros, which hide mistakes. */
export function variedParameters(
  { parameters = {} }: PositionStrategy,
  low = 0.5,
  high = 1.5,
): ParameterValues<ReferenceTensor> {
  const init = { kind: 'uniform' as const, low, high }
  const varied = Object.entries(parameters).map(([name, { shape }]) => [name, { shape, init }] as const)
  return initialParameters(reference, Object.fromEntries(varied), 7)
}

/** Whether a strategy must know a position, or a distance of that many tokens. */
export const isKnown = ({ maxPositions = Infinity }: PositionStrategy, position: number) => position < maxPositions

/** Positions 0, 1, … that a strategy must know, up to `length` of them. */
export const firstPositions = ({ maxPositions = Infinity }: PositionStrategy, length: number): Positions =>
  positionRange(0, Math.min(length, maxPositions))

/** Positions that a strategy must know, in order: near ones, some between, and far ones as far as it goes. */
export function knownPositions(strategy: PositionStrategy): Positions {
  const { maxPositions = 2 ** 14 } = strategy
  // Odd ones too: tables and scalings often change at a power of two.
  const powers = Array.from({ length: 15 }, (_, i) => 2 ** i)
  const odd = [35, 1023, 2049, 4097]
  // Every part of a table of positions is met.
  const spread = Array.from({ length: 24 }, (_, i) => Math.floor(((i + 0.5) * maxPositions) / 24))
  const wanted = [
    ...firstPositions(strategy, 24),
    ...powers,
    ...odd,
    ...(strategy.maxPositions ? spread : []),
    maxPositions - 1,
  ]
  return Int32Array.from(new Set(wanted.filter((p) => p < maxPositions))).sort()
}

/** Distances of so many tokens, ahead and behind. */
export const bothWays = (positions: Positions): Int32Array =>
  Int32Array.from(new Set([...positions].flatMap((p) => (p ? [-p, p] : [p]))))

/** Parameters as plain numbers. */
export const plain = (parameters: ParameterValues<ReferenceTensor>): PlainParameters =>
  Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, data]))

/** Any features from −1 to 1. */
export function features(seed: number, ...shape: readonly number[]): ReferenceTensor {
  const random = seededRandom(seed)
  return reference.tensor(
    Float64Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1),
    shape,
  )
}

/** The same with another tensor library's functions. */
const featuresOf = <T>(ops: TensorOps<T>, seed: number, ...shape: readonly number[]): T =>
  ops.tensor(features(seed, ...shape).data, shape)

/** Every hook that computes tensors, by name, at `positions`. */
export function evaluateHooks<T>(
  strategy: PositionStrategy,
  ops: TensorOps<T>,
  parameters: ParameterValues<T>,
  positions: Positions,
): Readonly<Record<string, T>> {
  const { embedding, rotation, bias, gate, terms, scores, sink } = strategy
  const both = bothWays(positions)
  return {
    ...(embedding && { embedding: embedding.evaluate(ops, parameters, positions) }),
    ...(rotation?.trainedAngles && { 'rotation.trainedAngles': rotation.trainedAngles(ops, parameters, positions) }),
    ...(bias && {
      bias:
        bias.kind === 'pair'
          ? scoreBias(ops, bias, parameters, positions, positions)
          : biasOfDistances(ops, bias, parameters, both),
    }),
    ...(gate && { gate: gate.evaluate(ops, parameters, featuresOf(ops, 1, 12, gate.modelDim)) }),
    ...(terms?.queryVectors && { 'terms.queryVectors': terms.queryVectors(ops, parameters, both) }),
    ...(terms?.keyVectors && { 'terms.keyVectors': terms.keyVectors(ops, parameters, both) }),
    ...(terms?.queryBias && { 'terms.queryBias': terms.queryBias(ops, parameters) }),
    ...(scores && {
      scores: scores.evaluate(ops, parameters, scoreRows(ops, strategy)),
      'scores of a far query': scores.evaluate(ops, parameters, farRow(ops, strategy)),
    }),
    ...(sink && { sink: sink.evaluate(ops, parameters) }),
  }
}

/** Tokens that the checks of scores look at. */
export const ROWS = 12

/**
 * Two rows of a batch with the first positions, in which every query sees the keys up to it.
 *
 * @param seed - of scores, queries and keys
 */
export function scoreRows<T>(ops: TensorOps<T>, strategy: PositionStrategy, seed = 2): ScoreRows<T> {
  const { numHeads: H, headDim } = strategy.scores!
  const positions = firstPositions(strategy, ROWS)
  const L = positions.length
  return {
    scores: featuresOf(ops, seed, 2, H, L, L),
    q: featuresOf(ops, seed + 1, 2, H, L, headDim),
    k: featuresOf(ops, seed + 2, 2, H, L, headDim),
    visible: ops.tensor(
      Float64Array.from({ length: L * L }, (_, i) => Number(i % L <= Math.floor(i / L))),
      [1, 1, L, L],
    ),
    queries: positions,
    keys: positions,
    shape: [2, H, L, L],
  }
}

/** How many keys the last query of a longer text sees: positions that CoPE counts get as far as its tables. */
const FAR_KEYS = 150

/** One query and many keys, most of which it likes. */
function farRow<T>(ops: TensorOps<T>, strategy: PositionStrategy): ScoreRows<T> {
  const { numHeads: H, headDim } = strategy.scores!
  const keys = firstPositions(strategy, FAR_KEYS)
  const K = keys.length
  return {
    scores: ops.add(featuresOf(ops, 5, 1, H, 1, K), ops.tensor([2], [1])),
    q: featuresOf(ops, 6, 1, H, 1, headDim),
    k: featuresOf(ops, 7, 1, H, K, headDim),
    visible: ops.tensor(new Float64Array(K).fill(1), [1, 1, 1, K]),
    queries: keys.subarray(K - 1),
    keys,
    shape: [1, H, 1, K],
  }
}
