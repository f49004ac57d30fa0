// Letters: B batch, H heads, Q/K queries/keys, N distances.
import {
  type ParameterValues,
  type PositionStrategy,
  type Positions,
  positionRange,
  type ScoreRewrite,
} from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { keepOutOfGraphs } from '../compiler.js'
import type { AttentionInputs, RelativeTensors, Rewrite, RewriteRows } from '../kernels/attention/kernel.js'
import type { BiasForm } from '../kernels/attention/problem.js'
import { shaped } from '../shaped.js'
import { biasOnDevice } from './attention-bias.js'
import { evaluateAt } from './hooks.js'
import { gapsOf, isConsecutive, type Places, queriesOf } from './places.js'
import { tfOps } from './tf-ops.js'

/** The inputs of a layer's scores besides queries, keys and gates. */
export type ScoreInputs = Pick<AttentionInputs, 'bias' | 'terms' | 'rewrite' | 'sink'>

/** Evaluates a strategy's hooks on scores, on the device. Gradients reach the parameters. */
export function scoreInputs(
  strategy: PositionStrategy,
  form: BiasForm,
  parameters: ParameterValues<tf.Tensor>,
  places: Places,
  causal: boolean,
): ScoreInputs {
  const { name, terms, scores, sink } = strategy
  return {
    bias: biasOnDevice(strategy, form, parameters, places),
    terms: terms && relativeTensors(strategy, parameters, places, causal),
    rewrite: scores && rewriteOf(scores, parameters, places),
    sink: sink && shaped('forward', `sink logits of ${name}`, sink.evaluate(tfOps, parameters), [sink.numHeads]),
  }
}

function relativeTensors(
  { name, terms }: PositionStrategy,
  parameters: ParameterValues<tf.Tensor>,
  places: Places,
  causal: boolean,
): RelativeTensors {
  const K = places.keys.length
  const lowest = causal ? 0 : 1 - K
  const gaps = isConsecutive(places) ? undefined : gapsOf(places, causal)
  if (gaps && places.now) keepOutOfGraphs('relative terms at positions that move have other distances in each run')
  const distances = gaps?.distances ?? positionRange(lowest, K - lowest)
  const { scale = 1, numHeads: H, headDim } = terms!
  const tableOf = (hook: 'queryVectors' | 'keyVectors') => {
    const shapes = [H, 1].map((heads) => [heads, distances.length, headDim])
    const made = terms![hook]?.(tfOps, parameters, distances)
    return terms![hook] && shaped<tf.Tensor3D>('forward', `${hook} of ${name}`, made, ...shapes)
  }
  const queryBias = terms!.queryBias?.(tfOps, parameters)
  return {
    scale,
    lowest,
    gaps,
    queryBias: terms!.queryBias && shaped('forward', `queryBias of ${name}`, queryBias, [H, headDim]),
    queryTable: tableOf('queryVectors'),
    keyTable: tableOf('keyVectors'),
  }
}

function rewriteOf(scores: ScoreRewrite, parameters: ParameterValues<tf.Tensor>, places: Places): Rewrite {
  const { rows } = places
  return {
    parameters,
    isLog: scores.weights === 'exp',
    evaluate(given, own) {
      if (!rows) return rewritten(scores, own, given, places, (at) => at.keys)
      const row = (x: tf.Tensor4D, b: number) => (x.shape[0] === 1 ? x : tf.slice(x, [b, 0, 0, 0], [1, -1, -1, -1]))
      const each = rows.map((_, b) => {
        const { scores: own4d, q, k, visible } = given
        const alone = { ...given, scores: row(own4d, b), q: row(q, b), k: row(k, b), visible: row(visible, b) }
        return rewritten(scores, own, alone, places, (at) => at.rows![b]!)
      })
      return tf.concat(each, 0)
    },
  }
}

function rewritten(
  scores: ScoreRewrite,
  parameters: ParameterValues<tf.Tensor>,
  given: RewriteRows,
  places: Places,
  positionsOf: (places: Places) => Positions,
): tf.Tensor4D {
  const { start, keys, ...tensors } = given
  const shape = tensors.scores.shape
  const made = evaluateAt(places, (ops, at) => {
    const positions = positionsOf(at)
    const queries = queriesOf(positions, at).subarray(start, start + shape[2])
    const own = { ...tensors, queries, keys: keys.map((key) => positions[key]!), shape }
    return scores.evaluate<tf.Tensor>(ops, parameters, own)
  })
  return shaped('forward', 'rewritten scores', made, shape)
}
