// Small strategies with the hooks that read content, see less, or differ by layer: made for the tiny model.
import { alibi } from '@alibi/alibi'
import { cope } from '@alibi/cope'
import { byLayer, compose, defineStrategy, none, type PositionStrategy, type TensorOps } from '@alibi/core'
import { rotary } from '@alibi/rotary'
import { sinusoidal } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'

const [numHeads, headDim, modelDim] = [2, 4, 8]
const normal = (...shape: number[]) => ({ shape, init: { kind: 'normal' as const, standardDeviation: 0.5 } })

/** ln of a share of x·w + 1, as in FoX. */
export const gated = defineStrategy({
  name: 'gated',
  parameterScope: 'layer',
  parameters: { weight: normal(modelDim, numHeads) },
  gate: {
    numHeads,
    modelDim,
    evaluate: (ops, { weight }, x) => ops.logSigmoid(ops.add(ops.matmul(x, weight!), ops.tensor([1], [1]))),
  },
})

/** A row of the table for each distance, up to 5 either way. */
const clipped = (distances: Int32Array) => distances.map((d) => Math.max(-5, Math.min(5, d)) + 5)

/** All terms: tables of queries by head, of keys for all heads, and a vector that every query gets. */
export const terms = defineStrategy({
  name: 'terms',
  parameters: {
    forQueries: normal(numHeads, 11, headDim),
    forKeys: normal(1, 11, headDim),
    u: normal(numHeads, headDim),
  },
  terms: {
    numHeads,
    headDim,
    scale: 0.7,
    queryVectors: (ops, { forQueries }, distances) => ops.gather(forQueries!, clipped(distances), 1),
    keyVectors: (ops, { forKeys }, distances) => ops.gather(forKeys!, clipped(distances), 1),
    queryBias: (_ops, { u }) => u!,
  },
})

/** cap·tanh(score / cap), with tanh(x) = 2·sigmoid(2x) − 1. */
export const softCap = defineStrategy({
  name: 'soft-cap',
  parameters: { cap: { shape: [1], init: { kind: 'constant', value: 1.5 } } },
  scores: {
    numHeads,
    headDim,
    evaluate(ops, { cap }, { scores }) {
      const twice = ops.sigmoid(ops.div(ops.mul(ops.tensor([2], [1]), scores), cap!))
      return ops.mul(cap!, ops.sub(ops.mul(ops.tensor([2], [1]), twice), ops.tensor([1], [1])))
    },
  },
})

/** A weight takes its share of what the nearer keys left (Tan et al., 2025, eq. 2). */
export const stickBreaking = defineStrategy({
  name: 'stick-breaking',
  scores: {
    numHeads,
    headDim,
    weights: 'exp',
    evaluate<T>(ops: TensorOps<T>, _parameters: unknown, { scores, visible }: { scores: T; visible: T }): T {
      const left = ops.mul(ops.logSigmoid(ops.neg(scores)), visible)
      const nearer = ops.sub(ops.sum(left, 3), ops.cumulativeSum(left, 3))
      return ops.add(ops.logSigmoid(scores), nearer)
    },
  },
})

/** Counts gates of q·k from the query back, and gives nearer keys more. */
export const counting = defineStrategy({
  name: 'counting',
  parameters: { steepness: { shape: [1], init: { kind: 'constant', value: 0.3 } } },
  scores: {
    numHeads,
    headDim,
    evaluate(ops, { steepness }, { scores, visible, q, k }) {
      const gates = ops.mul(ops.sigmoid(ops.matmul(q, ops.transpose(k, [0, 1, 3, 2]))), visible)
      const after = ops.sub(ops.sum(gates, 3), ops.cumulativeSum(gates, 3))
      return ops.sub(scores, ops.mul(steepness!, after))
    },
  },
})

export const windowed = defineStrategy({ name: 'windowed', visibility: { window: 4 } })
export const streaming = defineStrategy({ name: 'streaming', visibility: { window: 3, sinks: 2 } })
export const sink = defineStrategy({
  name: 'sink',
  parameters: { logits: normal(numHeads) },
  sink: { numHeads, evaluate: (_ops, { logits }) => logits! },
})

/** One head turns, the other does not. */
export const halfOfTheHeads = defineStrategy({
  name: 'half-of-the-heads',
  rotation: {
    rotaryDim: 4,
    pairing: 'half',
    cacheable: true,
    numHeads,
    angles: (positions) =>
      Float64Array.from([...positions].flatMap((p) => [p, p / 10]).concat([...positions].flatMap(() => [0, 0]))),
  },
})

export const trainedAngles = defineStrategy({
  name: 'trained-angles',
  parameters: { rates: { shape: [2], init: { kind: 'values', values: [1, 0.1] } } },
  rotation: {
    rotaryDim: 4,
    pairing: 'interleaved',
    cacheable: true,
    angles: (positions) => Float64Array.from([...positions].flatMap((p) => [p, p / 10])),
    trainedAngles: (ops, { rates }, positions) =>
      ops.mul(ops.tensor(positions, [1, positions.length, 1]), ops.reshape(rates!, [1, 1, 2])),
  },
})

/** Angles that shrink once the pass is longer than 6: dynamic NTK's idea. */
const dynamic = defineStrategy({
  name: 'dynamic',
  rotation: {
    rotaryDim: 4,
    pairing: 'half',
    cacheable: false,
    angles: (positions, length = 0) =>
      Float64Array.from([...positions].flatMap((p) => [p / Math.max(1, length / 6), p / 20])),
  },
})

const learnedAlibi = alibi({ numHeads, learned: true, perLayer: true })

export const contentStrategies: [string, PositionStrategy][] = [
  ['gate', gated],
  ['terms', terms],
  ['soft cap', softCap],
  ['stick-breaking', stickBreaking],
  ['cope', cope({ numHeads, headDim, maxPosition: 3 })],
  ['window', windowed],
  ['window and sinks', streaming],
  ['sink logit', sink],
  ['rotation by head', halfOfTheHeads],
  ['trained angles', trainedAngles],
  ['rotation by length', dynamic],
  ['rotary, and none every second layer', byLayer([rotary({ rotaryDim: 4 }), none()])],
  ['embedding, then by layer', compose(sinusoidal({ modelDim }), byLayer([learnedAlibi, t5Bias({ numHeads })]))],
  ['gate, bias, window and sink', compose(gated, learnedAlibi, windowed, sink)],
  ['terms, gate and window', compose(terms, gated, windowed)],
  ['soft cap of a table by layer', byLayer([compose(softCap, t5Bias({ numHeads })), compose(streaming, learnedAlibi)])],
]
