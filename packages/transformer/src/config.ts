import { checkInteger, checkOneOf, checkPositive } from '@alibi/core'

export type Activation = 'gelu' | 'gelu-exact' | 'relu' | 'silu'

/** The shape of a model. Everything a checkpoint needs to rebuild it, but for the strategy. */
export interface ModelConfig {
  readonly vocabularySize: number
  readonly numLayers: number
  readonly modelDim: number
  /** Divides modelDim; headDim = modelDim / numHeads. */
  readonly numHeads: number
  /** Width of the MLP. Default 4·modelDim. */
  readonly mlpDim?: number
  /** Default `'gelu'` (the tanh form, as in GPT-2); `'gelu-exact'` is x·Φ(x). The paper uses `'relu'`. */
  readonly activation?: Activation
  /** The MLP's hidden layer is activation(x·gate)·(x·in) (Shazeer, 2020), as in Llama. Default false. */
  readonly gatedMlp?: boolean
  /** The MLP reads what attention reads instead of what it gives: x + attention(norm(x)) + mlp(norm(x)). Default false. */
  readonly parallelResidual?: boolean
  /** Heads of keys and values, each shared by numHeads / numKeyValueHeads queries' heads; divides numHeads, the default. */
  readonly numKeyValueHeads?: number
  /** Queries, keys and values are cut to ± this; null: not at all, the default. */
  readonly clipQkv?: number | null
  /** `'layer'` (Ba et al., 2016), the default, or `'rms'` (Zhang & Sennrich, 2019). */
  readonly norm?: 'layer' | 'rms'
  /** Added to the variance under the norms' root. Default 1e-5. */
  readonly normEpsilon?: number
  /** Projections have biases, and layer norms shifts. Default true. */
  readonly biases?: boolean
  /** Share of activations dropped in training, 0 ≤ dropout < 1. Default 0. */
  readonly dropout?: number
  /** Multiply token embeddings by √modelDim, as the paper does. Default true. */
  readonly embeddingScale?: boolean
  /** A norm of what enters the first block, as in BLOOM. Default false. */
  readonly embeddingNorm?: boolean
  /** A norm before the head; the paper's models have none. Default true. */
  readonly finalNorm?: boolean
  /** Use the token embedding as the head. Default true. */
  readonly tiedHead?: boolean
  /** Queries that attention takes at a time: memory grows with blockSize·L. Default 128. */
  readonly blockSize?: number
}

/**
 * Fills in the defaults.
 *
 * @throws RangeError or TypeError, one line, for a shape that cannot be built
 */
export function resolveConfig(config: ModelConfig): Required<ModelConfig> {
  const resolved = {
    mlpDim: 4 * config.modelDim,
    activation: 'gelu' as const,
    gatedMlp: false,
    parallelResidual: false,
    numKeyValueHeads: config.numHeads,
    clipQkv: null,
    norm: 'layer' as const,
    normEpsilon: 1e-5,
    biases: true,
    dropout: 0,
    embeddingScale: true,
    embeddingNorm: false,
    finalNorm: true,
    tiedHead: true,
    blockSize: 128,
    ...config,
  }
  for (const name of COUNTS) checkInteger('createModel', name, resolved[name], 1)
  checkOneOf('createModel', 'activation', resolved.activation, ['gelu', 'gelu-exact', 'relu', 'silu'])
  checkOneOf('createModel', 'norm', resolved.norm, ['layer', 'rms'])
  checkPositive('createModel', 'normEpsilon', resolved.normEpsilon)
  if (resolved.clipQkv !== null) checkPositive('createModel', 'clipQkv', resolved.clipQkv)
  if (resolved.modelDim % resolved.numHeads !== 0)
    throw new RangeError(
      `createModel: expected numHeads to divide modelDim, got ${resolved.numHeads} heads for ${resolved.modelDim}; try ${divisors(
        resolved.modelDim,
      )
        .filter((n) => n <= 32)
        .join(', ')}`,
    )
  if (resolved.numHeads % resolved.numKeyValueHeads !== 0)
    throw new RangeError(
      `createModel: expected numKeyValueHeads to divide numHeads, got ${resolved.numKeyValueHeads} for ${resolved.numHeads}; try ${divisors(resolved.numHeads).join(', ')}`,
    )
  if (!(resolved.dropout >= 0 && resolved.dropout < 1))
    throw new RangeError(`createModel: expected dropout from 0 up to but not including 1, got ${resolved.dropout}`)
  return resolved
}

const COUNTS = [
  ...(['vocabularySize', 'numLayers', 'modelDim', 'numHeads'] as const),
  ...(['numKeyValueHeads', 'mlpDim', 'blockSize'] as const),
]

const divisors = (n: number) => Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0)
