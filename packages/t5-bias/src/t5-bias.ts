// Letters: H heads, N distances.
import {
  type BiasStrategy,
  checkBoolean,
  checkInteger,
  checkOptions,
  type DistanceBias,
  defineStrategy,
  type ParameterValues,
  type TensorOps,
} from '@alibi/core'
import { bucketOf, checkBuckets } from './bucket.js'

/** What {@link t5Bias} takes. */
export interface T5BiasOptions {
  /** H, of the model; any count from 1. */
  readonly numHeads: number
  /** Default 32. */
  readonly numBuckets?: number
  /** Distances from here on share the last bucket. Default 128. */
  readonly maxDistance?: number
  /** Tell what is ahead from what is behind. Default false. */
  readonly bidirectional?: boolean
  /** One table a layer rather than one for the model. Default false. */
  readonly perLayer?: boolean
}

/**
 * A learned bias for each head and bucket of distances (Raffel et al., 2020, §2.1).
 *
 * @throws RangeError or TypeError for a head count below 1, buckets below 2 (or odd or below 4 when bidirectional), or a
 * maxDistance within the buckets that are exact
 */
export function t5Bias(options: T5BiasOptions): BiasStrategy<DistanceBias> {
  checkOptions('t5Bias', options, ['numHeads', 'numBuckets', 'maxDistance', 'bidirectional', 'perLayer'])
  const { numHeads, numBuckets = 32, maxDistance = 128, bidirectional = false, perLayer = false } = options
  checkInteger('t5Bias', 'numHeads', numHeads, 1)
  checkBoolean('t5Bias', 'perLayer', perLayer)
  const ranges = { numBuckets, maxDistance, bidirectional }
  checkBuckets('t5Bias', ranges)

  function evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T {
    const buckets = distances.map((d) => bucketOf(d, ranges))
    return ops.transpose(ops.gather(parameters.table!, buckets, 0), [1, 0])
  }
  return defineStrategy({
    name: 't5-bias',
    parameterScope: perLayer ? 'layer' : 'model',
    parameters: {
      table: { shape: [numBuckets, numHeads], init: { kind: 'normal', standardDeviation: 0.02 } },
    },
    bias: { kind: 'distance', numHeads, evaluate },
  })
}
