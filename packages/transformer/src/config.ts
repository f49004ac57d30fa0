import { checkInteger, checkOneOf } from '@alibi/core'

/** The shape of a model. Everything a checkpoint needs to rebuild it, but for the strategy. */
export interface ModelConfig {
  readonly vocabularySize: number
  readonly numLayers: number
  readonly modelDim: number
  /** Divides modelDim; headDim = modelDim / numHeads. */
  readonly numHeads: number
  /** Width of the MLP. Default 4·modelDim. */
  readonly mlpDim?: number
  /** Default `'gelu'` (the tanh form, as in GPT-2). The paper uses `'relu'`. */
  readonly activation?: 'gelu' | 'relu'
  /** Share of activations dropped in training, 0 ≤ dropout < 1. Default 0. */
  readonly dropout?: number
  /** Multiply token embeddings by √modelDim, as the paper does. Default true. */
  readonly embeddingScale?: boolean
  /** Layer norm before the head; the paper's models have none. Default true. */
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
    dropout: 0,
    embeddingScale: true,
    finalNorm: true,
    tiedHead: true,
    blockSize: 128,
    ...config,
  }
  for (const name of ['vocabularySize', 'numLayers', 'modelDim', 'numHeads', 'mlpDim', 'blockSize'] as const)
    checkInteger('createModel', name, resolved[name], 1)
  checkOneOf('createModel', 'activation', resolved.activation, ['gelu', 'relu'])
  if (resolved.modelDim % resolved.numHeads !== 0)
    throw new RangeError(
      `createModel: expected numHeads to divide modelDim, got ${resolved.numHeads} heads for ${resolved.modelDim}; try ${divisors(
        resolved.modelDim,
      )
        .filter((n) => n <= 32)
        .join(', ')}`,
    )
  if (!(resolved.dropout >= 0 && resolved.dropout < 1))
    throw new RangeError(`createModel: expected dropout from 0 up to but not including 1, got ${resolved.dropout}`)
  return resolved
}

const divisors = (n: number) => Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0)
