// Letters: N tokens, D modelDim, V vocabularySize; of band i: S tokens, E dimensions, R places of its targets.
import type { ParameterSpec } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { ResolvedModelConfig } from '../../config.js'
import { currentKernels } from '../../kernels/kernels.js'
import { gatherRows } from '../../kernels/plain/gather-rows.js'
import { fairseqStart } from '../fairseq-start.js'
import type { Vocabulary } from './vocabulary.js'

/** Tokens of about the same frequency: ids are ordered by it, the most frequent first. */
interface Band {
  /** The first id. */
  readonly from: number
  /** S */
  readonly size: number
  /** E: fewer for rarer tokens. */
  readonly dim: number
}

/** The bands between the cutoffs; each has a factor fewer dimensions than the one before. */
function bandsOf({ vocabularySize, modelDim, adaptiveCutoffs, adaptiveFactor }: ResolvedModelConfig): Band[] {
  const edges = [0, ...adaptiveCutoffs, vocabularySize]
  return edges.slice(1).map((end, i) => {
    const from = edges[i]!
    return { from, size: end - from, dim: Math.floor(modelDim / adaptiveFactor ** i) }
  })
}

/** Glorot and Bengio's (2010) start: uniform for fairseq, else normal with the same variance. */
const glorot = (from: number, to: number, { initialization }: ResolvedModelConfig): ParameterSpec =>
  initialization === 'fairseq'
    ? fairseqStart.glorot(from, to)
    : { shape: [from, to], init: { kind: 'normal', standardDeviation: Math.sqrt(2 / (from + to)) } }

/** Tables and projections, which input and softmax share, and the softmax's vector for each tail. */
export function adaptiveSpecs(config: ResolvedModelConfig): Record<string, ParameterSpec> {
  const D = config.modelDim
  const bands = bandsOf(config)
  const arrays = bands.map(
    ({ size, dim }, i): Record<string, ParameterSpec> => ({
      [`embedding.${i}.weight`]: { shape: [size, dim], init: { kind: 'normal', standardDeviation: dim ** -0.5 } },
      [`embedding.${i}.projection.weight`]: glorot(dim, D, config),
    }),
  )
  return Object.assign({}, ...arrays, { 'head.tails.weight': glorot(D, bands.length - 1, config) })
}

/**
 * Adaptive input and softmax (Baevski & Auli, 2019; Grave et al., 2017) with tied tables and projections. The head predicts
 * a frequent token or a tail; the loss of a tail's token is the head's plus the tail's. Shapes do not depend
 * on the tokens, as compiled steps need it: a tail's list of places may be longer than its targets, and the rest counts zero.
 * Embedding, logits and losses share the bands' tables and projections, which are made here.
 */
export function adaptiveVocabulary(
  config: ResolvedModelConfig,
  parameters: ReadonlyMap<string, tf.Variable>,
): Vocabulary {
  const { vocabularySize: V, tailDropout } = config
  const [head, ...tails] = bandsOf(config) as [Band, ...Band[]]
  const table = (band: number) => parameters.get(`embedding.${band}.weight`) as tf.Tensor2D
  const projection = (band: number) => parameters.get(`embedding.${band}.projection.weight`) as tf.Tensor2D

  const headLogits = (hidden: tf.Tensor2D) =>
    tf.concat2d(
      [tf.matMul(hidden, table(0), false, true), tf.matMul(hidden, parameters.get('head.tails.weight') as tf.Tensor2D)],
      1,
    )
  /** Below zero no other dropout of a pass has its seed. */
  const dropped = (x: tf.Tensor2D, dropoutSeed: tf.Tensor1D, number: number) =>
    tf.mul<tf.Tensor2D>(x, currentKernels().keepMask(x.shape, tailDropout, tf.concat1d([dropoutSeed, int([number])])))
  function tailLogits(hidden: tf.Tensor2D, tail: number, dropoutSeed?: tf.Tensor1D): tf.Tensor2D {
    const projected = tf.matMul<tf.Tensor2D>(hidden, projection(tail + 1), false, true)
    const kept = dropoutSeed && tailDropout ? dropped(projected, dropoutSeed, -2 - tail) : projected
    return tf.matMul(kept, table(tail + 1), false, true)
  }
  /** A token's id in the head: its own, or its tail's. */
  const headTargets = (targets: tf.Tensor1D) =>
    tails
      .slice(1)
      .reduce(
        (ids, { from }) => tf.add(ids, tf.cast(tf.greaterEqual(targets, id(from)), 'int32')),
        tf.minimum<tf.Tensor1D>(targets, id(head.size)),
      )

  return {
    embed: (ids) =>
      tf.addN(
        [head, ...tails].map(({ from, size }, band) => {
          const within = tf.minimum<tf.Tensor1D>(tf.maximum(tf.sub(ids, id(from)), id(0)), id(size - 1))
          const member = tf.logicalAnd(tf.greaterEqual(ids, id(from)), tf.less(ids, id(from + size)))
          const rows = tf.mul(gatherRows(table(band), within), tf.expandDims(tf.cast(member, 'float32'), 1))
          return tf.matMul(rows as tf.Tensor2D, projection(band))
        }),
      ),
    logits(hidden) {
      const inHead = tf.logSoftmax(headLogits(hidden))
      const [tokens, ...ofTails] = tf.split(inHead, [head.size, ...tails.map(() => 1)], 1) as tf.Tensor2D[]
      return tf.concat2d(
        [tokens!, ...ofTails.map((tail, i) => tf.add<tf.Tensor2D>(tail, tf.logSoftmax(tailLogits(hidden, i))))],
        1,
      )
    },
    losses(state, targets, places, dropoutSeed) {
      const N = targets.size
      const { crossEntropy } = currentKernels()
      // As fairseq: the head and all tails read what is kept of the same hidden state.
      const hidden = dropoutSeed && tailDropout ? dropped(state, dropoutSeed, -1) : state
      const ofHead = crossEntropy(headLogits(hidden), headTargets(targets))
      const ofTails = tails.flatMap(({ from, size }, i) => {
        const list = places[i]!
        if (!list.size) return []
        const rows = tf.minimum<tf.Tensor1D>(list, id(N - 1))
        const within = tf.sub<tf.Tensor1D>(tf.gather(targets, rows), id(from))
        const wanted = tf.minimum<tf.Tensor1D>(tf.maximum(within, id(0)), id(size - 1))
        const losses = crossEntropy(tailLogits(gatherRows(hidden, rows), i, dropoutSeed), wanted)
        const real = tf.cast(tf.less(list, id(N)), 'float32')
        return [tf.unsortedSegmentSum(tf.mul<tf.Tensor1D>(losses, real), rows, N) as tf.Tensor1D]
      })
      return ofTails.length ? tf.addN([ofHead, ...ofTails]) : ofHead
    },
    tailPlaces: (targets) =>
      tails.map(({ from, size }) => {
        const places = Int32Array.from(targets.keys())
        return places.filter((place) => targets[place]! >= from && targets[place]! < from + size)
      }),
    headSize: V - tails.reduce((sum, { size }) => sum + size, 0) + tails.length,
  }
}

const int = (values: number[]) => tf.tensor1d(values, 'int32')
const id = (value: number) => tf.scalar(value, 'int32')
