// Letters: N distances.
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  defineStrategy,
  type ParameterValues,
  type TensorOps,
} from '@alibi/core'
import type { TermsStrategy } from './terms-strategy.js'

/** What {@link shaw} takes. */
export interface ShawOptions {
  /** H, of the model. */
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  /** k: distances beyond it count as k. Default 16, the authors'. */
  readonly maxDistance?: number
  /** Vectors of keys ahead too, as an encoder needs them. Default false. */
  readonly bidirectional?: boolean
  /** A table for each layer, as the authors have, or one for the model. Default true. */
  readonly perLayer?: boolean
}

/**
 * Relative positions as vectors that queries meet: score = q·(k + a[clip(distance)])/√headDim, with one table for all heads
 * (Shaw, Uszkoreit, Vaswani, NAACL 2018, eq. 4).
 *
 * The paper's vectors on values (eq. 3) are left out: they are no part of the scores, and the authors found that they add
 * nothing to those on keys (table 2).
 *
 * @throws RangeError or TypeError for sizes below 1
 */
export function shaw(options: ShawOptions): TermsStrategy {
  checkOptions('shaw', options, ['numHeads', 'headDim', 'maxDistance', 'bidirectional', 'perLayer'])
  const { numHeads, headDim, maxDistance = 16, bidirectional = false, perLayer = true } = options
  checkInteger('shaw', 'numHeads', numHeads, 1)
  checkInteger('shaw', 'headDim', headDim, 1)
  checkInteger('shaw', 'maxDistance', maxDistance, 1)
  checkBoolean('shaw', 'bidirectional', bidirectional)
  checkBoolean('shaw', 'perLayer', perLayer)
  const ahead = bidirectional ? maxDistance : 0

  function queryVectors<T>(ops: TensorOps<T>, { vectors }: ParameterValues<T>, distances: Int32Array): T {
    const rows = distances.map((distance) => Math.min(maxDistance, Math.max(-ahead, distance)) + ahead)
    return ops.reshape(ops.gather(vectors!, rows, 0), [1, distances.length, headDim])
  }
  return defineStrategy({
    name: 'shaw',
    parameterScope: perLayer ? 'layer' : 'model',
    parameters: {
      // Row 0 is the furthest ahead.
      vectors: { shape: [ahead + 1 + maxDistance, headDim], init: { kind: 'normal', standardDeviation: 0.02 } },
    },
    terms: { numHeads, headDim, queryVectors },
  })
}
