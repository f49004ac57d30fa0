// Letters: N tokens, H heads, D modelDim.
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkPositive,
  defineStrategy,
  fail,
  type Gate,
  type Initializer,
  type ParameterValues,
  type PositionStrategy,
  type TensorOps,
} from '@alibi/core'

/** What {@link forgetting} takes. */
export interface ForgettingOptions {
  /** H, of the model. */
  readonly numHeads: number
  /** D, of the model. */
  readonly modelDim: number
  /** Where the gates' biases start, a number for all heads. Default 0, the authors': half is let pass at each token. */
  readonly startBias?: number
  /**
   * Starts as ALiBi instead: each head lets e^−slope pass at each token, whatever the token, until training finds what to
   * read. One slope > 0 a head, e.g. `alibiSlopes(numHeads)`.
   */
  readonly slopes?: readonly number[]
  /** A gate for each layer, as the authors have, or one for the model. Default true. */
  readonly perLayer?: boolean
}

/**
 * The forget gate of FoX: f = σ(x·w + b) a head and token, and a score gains the sum of ln f over the tokens after the key,
 * up to the query's own (Lin, Nikishin, He, Courville, ICLR 2025, eq. 5 and 6). It decides from content how fast the past
 * fades: data-dependent ALiBi.
 *
 * The paper's further parts (output gate, norms of queries and keys, shifted keys) are a model's, not a position's.
 *
 * @throws RangeError or TypeError for sizes below 1, slopes that are not one > 0 a head, or slopes with startBias
 */
export function forgetting(options: ForgettingOptions): PositionStrategy & { readonly gate: Gate } {
  checkOptions('forgetting', options, ['numHeads', 'modelDim', 'startBias', 'slopes', 'perLayer'])
  const { numHeads, modelDim, perLayer = true } = options
  checkInteger('forgetting', 'numHeads', numHeads, 1)
  checkInteger('forgetting', 'modelDim', modelDim, 1)
  checkBoolean('forgetting', 'perLayer', perLayer)

  function evaluate<T>(ops: TensorOps<T>, { w, b }: ParameterValues<T>, x: T): T {
    return ops.logSigmoid(ops.add(ops.matmul(x, w!), b!))
  }
  return defineStrategy({
    name: 'forgetting',
    parameterScope: perLayer ? 'layer' : 'model',
    parameters: {
      w: { shape: [modelDim, numHeads], init: { kind: 'normal', standardDeviation: options.slopes ? 0 : 0.02 } },
      b: { shape: [numHeads], init: startOf(options) },
    },
    gate: { numHeads, modelDim, evaluate },
  })
}

function startOf({ numHeads, startBias, slopes }: ForgettingOptions): Initializer {
  if (slopes === undefined) {
    const value = startBias ?? 0
    if (!Number.isFinite(value)) fail('forgetting', 'a finite startBias', value)
    return { kind: 'constant', value }
  }
  if (startBias !== undefined) fail('forgetting', 'slopes or startBias', 'both; slopes say where the biases start')
  if (!Array.isArray(slopes) || slopes.length !== numHeads)
    fail('forgetting', `${numHeads} slopes, one a head`, Array.isArray(slopes) ? slopes.length : slopes)
  for (const slope of slopes) checkPositive('forgetting', 'slope', slope)
  // σ(b) = e^−slope
  return { kind: 'values', values: slopes.map((slope) => -Math.log(Math.expm1(slope))) }
}
