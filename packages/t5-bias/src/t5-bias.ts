// Letters: H heads, N distances.
import { checkInteger, type ParameterValues, type PositionStrategy, type TensorOps } from '@alibi/core'
import { t5Bucket } from './bucket.js'

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
export function t5Bias(options: T5BiasOptions): PositionStrategy {
  const { numHeads, numBuckets = 32, maxDistance = 128, bidirectional = false, perLayer = false } = options
  checkInteger('t5Bias', 'numHeads', numHeads, 1)
  checkInteger('t5Bias', 'numBuckets', numBuckets, bidirectional ? 4 : 2)
  checkInteger('t5Bias', 'maxDistance', maxDistance, Math.floor(numBuckets / (bidirectional ? 4 : 2)) + 1)
  if (bidirectional && numBuckets % 2)
    throw new RangeError(`t5Bias: expected an even numBuckets when bidirectional, got ${numBuckets}`)

  function evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, distances: Int32Array): T {
    const buckets = distances.map((d) => t5Bucket(d, { numBuckets, maxDistance, bidirectional }))
    return ops.transpose(ops.gather(parameters.table!, buckets, 0), [1, 0])
  }
  return Object.freeze({
    specVersion: 1,
    name: 't5-bias',
    parameterScope: perLayer ? 'layer' : 'model',
    parameters: {
      table: { shape: [numBuckets, numHeads], init: { kind: 'normal' as const, standardDeviation: 0.02 } },
    },
    bias: Object.freeze({ kind: 'distance' as const, numHeads, evaluate }),
  } satisfies PositionStrategy)
}
