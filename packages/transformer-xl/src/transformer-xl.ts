// Letters: N distances, H heads, D modelDim.
import {
  type BiasStrategy,
  checkBoolean,
  checkInteger,
  checkOptions,
  checkPositive,
  type DistanceBias,
  defineStrategy,
  fail,
  type ParameterSpec,
  type ParameterValues,
  type TensorOps,
} from '@alibi/core'
import { toHeads } from './heads.js'
import type { TermsStrategy } from './terms-strategy.js'

/** What {@link transformerXl} takes. */
export interface TransformerXlOptions {
  /** H, of the model. */
  readonly numHeads: number
  /** The width of a head. */
  readonly headDim: number
  /** D, the width of the sinusoids; even. The authors have the model's. */
  readonly modelDim: number
  /** The base of the sinusoids. Default 10 000. */
  readonly base?: number
  /** Parameters for each layer (untied, as in the authors' large models and XLNet), or one set for the model. Default true. */
  readonly perLayer?: boolean
}

/**
 * Transformer-XL's relative attention: a query meets each key and, through a trained matrix, the sinusoids of the distance;
 * two trained vectors a head stand for the query where it is (Dai et al., ACL 2019, §3.3: terms a to d).
 *
 *     score = ((q + u)·k + (q + v)·(r(distance)·w)) / √headDim
 *
 * v meets the distance alone, so that term is a bias. The paper's memory of the segment before is a model's, not a position's.
 *
 * @throws RangeError or TypeError for sizes below 1, or an odd modelDim
 */
export function transformerXl(options: TransformerXlOptions): TermsStrategy & BiasStrategy<DistanceBias> {
  checkOptions('transformerXl', options, ['numHeads', 'headDim', 'modelDim', 'base', 'perLayer'])
  const { numHeads, headDim, modelDim, base = 10_000, perLayer = true } = options
  for (const size of ['numHeads', 'headDim', 'modelDim'] as const) checkInteger('transformerXl', size, options[size], 1)
  if (modelDim % 2) fail('transformerXl', 'an even modelDim', `${modelDim}; sines and cosines come in pairs`)
  checkPositive('transformerXl', 'base', base)
  checkBoolean('transformerXl', 'perLayer', perLayer)

  /** r(distance)·w of each head. */
  const vectors = <T>(ops: TensorOps<T>, { w }: ParameterValues<T>, distances: Int32Array): T =>
    toHeads(ops, ops.tensor(sinusoids(distances, modelDim, base), [distances.length, modelDim]), w!, [
      numHeads,
      distances.length,
      headDim,
    ])
  /** v·(r(distance)·w)/√headDim: biases are added after that division. */
  function evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T {
    const column = ops.mul(
      ops.reshape(parameters.v!, [numHeads, headDim, 1]),
      ops.tensor([1 / Math.sqrt(headDim)], [1]),
    )
    return ops.reshape(ops.matmul(vectors(ops, parameters, distances), column), [numHeads, distances.length])
  }
  const normal = (...shape: number[]): ParameterSpec => ({ shape, init: { kind: 'normal', standardDeviation: 0.02 } })
  return defineStrategy({
    name: 'transformer-xl',
    parameterScope: perLayer ? 'layer' : 'model',
    parameters: {
      w: normal(modelDim, numHeads * headDim),
      u: normal(numHeads, headDim),
      v: normal(numHeads, headDim),
    },
    terms: {
      numHeads,
      headDim,
      queryVectors: vectors,
      queryBias: <T>(_ops: TensorOps<T>, { u }: ParameterValues<T>): T => u!,
    },
    bias: { kind: 'distance', numHeads, evaluate },
  })
}

/** sin, then cos, of distance·base^(−2i/D); row-major [N, D]. */
function sinusoids(distances: Int32Array, width: number, base: number): Float64Array {
  const half = width / 2
  return Float64Array.from({ length: distances.length * width }, (_, i) => {
    const feature = i % width
    const angle = distances[Math.floor(i / width)]! * base ** ((-2 * (feature % half)) / width)
    return feature < half ? Math.sin(angle) : Math.cos(angle)
  })
}
