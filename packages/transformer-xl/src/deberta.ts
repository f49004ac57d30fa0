// Letters: N distances, D modelDim.
import {
  checkInteger,
  checkOptions,
  defineStrategy,
  type ParameterSpec,
  type ParameterValues,
  type TensorOps,
} from '@alibi/core'
import { toHeads } from './heads.js'
import type { TermsStrategy } from './terms-strategy.js'

/** What {@link deberta} takes. */
export interface DebertaOptions {
  /** H, of the model. */
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  /** D, the width of the table of distances. The authors have the model's. */
  readonly modelDim: number
  /** k: distances from −k to k − 1 have rows of their own. Default 512, the authors'. */
  readonly maxDistance?: number
}

/**
 * DeBERTa's disentangled attention: queries meet keys of the distance, keys meet queries of the distance, and all three
 * products are divided by √(3·headDim) (He, Liu, Gao, Chen, ICLR 2021, eq. 4). One table of distances for the model, two
 * matrices a layer.
 *
 * Keys take the row of query − key, as the authors' code and transformers do; the paper writes δ(j, i). Left out: the biases
 * of that code's projections, absolute positions before the last layers, and DeBERTa-v2's buckets and shared matrices.
 *
 * @throws RangeError or TypeError for sizes below 1
 */
export function deberta(options: DebertaOptions): TermsStrategy {
  checkOptions('deberta', options, ['numHeads', 'headDim', 'modelDim', 'maxDistance'])
  const { numHeads, headDim, modelDim, maxDistance = 512 } = options
  for (const size of ['numHeads', 'headDim', 'modelDim'] as const) checkInteger('deberta', size, options[size], 1)
  checkInteger('deberta', 'maxDistance', maxDistance, 1)

  const through =
    (matrix: 'keyMatrix' | 'queryMatrix') =>
    <T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T => {
      const rows = distances.map((d) => Math.min(2 * maxDistance - 1, Math.max(0, d + maxDistance)))
      const size = [numHeads, distances.length, headDim] as const
      return toHeads(ops, ops.gather(parameters.table!, rows, 0), parameters[matrix]!, size)
    }
  const normal = (...shape: number[]): ParameterSpec => ({ shape, init: { kind: 'normal', standardDeviation: 0.02 } })
  const matrix: ParameterSpec = { ...normal(modelDim, numHeads * headDim), scope: 'layer' }
  return defineStrategy({
    name: 'deberta',
    parameters: { table: normal(2 * maxDistance, modelDim), keyMatrix: matrix, queryMatrix: matrix },
    terms: {
      numHeads,
      headDim,
      scale: Math.sqrt(1 / 3),
      queryVectors: through('keyMatrix'),
      keyVectors: through('queryMatrix'),
    },
  })
}
