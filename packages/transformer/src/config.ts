import { checkBoolean, checkInteger, checkOneOf, checkOptions, checkPositive, fail } from '@alibi/core'

/** The non-linearity of the MLP’s hidden layer. */
export type Activation = 'gelu' | 'gelu-exact' | 'relu' | 'silu'

/** Where the norms of a sublayer f stand: see {@link ModelConfig.normPlacement}. */
export type NormPlacement = 'pre' | 'post' | 'output' | 'pre-and-output'

/** The shape of a model. Everything a checkpoint needs to rebuild it, but for the strategy. */
export interface ModelConfig {
  /** V, distinct tokens. */
  readonly vocabularySize: number
  /** Blocks of attention and MLP. */
  readonly numLayers: number
  /** D, the width of the residual stream. */
  readonly modelDim: number
  /** Heads of queries; divides modelDim, unless headDim is given. */
  readonly numHeads: number
  /** The width of a head. Default modelDim / numHeads. */
  readonly headDim?: number
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
  /** Clips queries, keys and values to [−x, x]; `null` disables it (default). */
  readonly clipQkv?: number | null
  /** `'layer'` (Ba et al., 2016), the default, or `'rms'` (Zhang & Sennrich, 2019). */
  readonly norm?: 'layer' | 'rms'
  /** Added to the variance under the norms' root. Default 1e-5. */
  readonly normEpsilon?: number
  /**
   * Where the norms of a sublayer f stand: `'pre'`, x + f(norm(x)), the default; `'post'`, norm(x + f(x)) (Vaswani et al.,
   * 2017); `'output'`, x + norm(f(x)), as in OLMo 2; `'pre-and-output'`, x + norm(f(norm(x))), as in Gemma 3.
   */
  readonly normPlacement?: NormPlacement
  /**
   * Norms of queries and keys before they rotate: `'head'`, of each head by itself, as in Qwen3; `'all-heads'`, of all heads
   * together, as in OLMo 2; `null`, none (default).
   */
  readonly qkNorm?: 'head' | 'all-heads' | null
  /**
   * Which projections have biases: all (true, the default) or none, `'attention'`, those of attention alone, or `'qkv'`, those
   * to queries, keys and values alone. Layer norms have shifts unless it is false.
   */
  readonly projectionBias?: boolean | 'attention' | 'qkv'
  /** Whether a token sees those before it and itself alone; false makes an encoder, which has no cache. Default true. */
  readonly causal?: boolean
  /** Share of activations dropped in training after the embedding and each sublayer, 0 ≤ dropout < 1. Default 0. */
  readonly dropout?: number
  /** Share of attention's weights dropped in training. Default dropout. */
  readonly attentionDropout?: number
  /** Share of the MLP's hidden activations dropped in training. Default 0. */
  readonly activationDropout?: number
  /** Multiply token embeddings by √modelDim, as the paper does. Default true. */
  readonly embeddingScale?: boolean
  /** A norm of what enters the first block, as in BLOOM. Default false. */
  readonly embeddingNorm?: boolean
  /** A norm before the head; the paper's models have none. Default true. */
  readonly finalNorm?: boolean
  /** Use the token embedding as the head. Default true. */
  readonly tiedHead?: boolean
  /** Logits become cap·tanh(logits / cap), as in Gemma 2; `null` leaves them as they are (default). */
  readonly logitCap?: number | null
  /**
   * Ids at which bands of rarer tokens begin, ascending: adaptive input and softmax (Baevski & Auli, 2019), for ids in the
   * order of their frequency. Default []: one table.
   */
  readonly adaptiveCutoffs?: readonly number[]
  /** Each band has so many times fewer dimensions than the one before; ≥ 1. Default 4. */
  readonly adaptiveFactor?: number
  /**
   * Share dropped in training of the hidden state that enters an adaptive softmax, and of the projections to its tails, as
   * fairseq does. Default 0.
   */
  readonly tailDropout?: number
  /**
   * Where weights start: `'gpt2'`, normal with small residual projections, or `'fairseq'`, as the paper's models: Xavier's for
   * attention, torch's own for the MLP, with biases. Default `'gpt2'`.
   */
  readonly initialization?: 'gpt2' | 'fairseq'
}

/** A model's config with every default filled in. */
export type ResolvedModelConfig = Required<ModelConfig>

/**
 * Fills in the defaults.
 *
 * @throws RangeError or TypeError, one line, for a shape that cannot be built
 */
export function resolveConfig(config: ModelConfig): ResolvedModelConfig {
  checkOptions('createModel', config, MEMBERS)
  const resolved = {
    headDim: config.modelDim / config.numHeads,
    mlpDim: 4 * config.modelDim,
    activation: 'gelu' as const,
    gatedMlp: false,
    parallelResidual: false,
    numKeyValueHeads: config.numHeads,
    clipQkv: null,
    norm: 'layer' as const,
    normEpsilon: 1e-5,
    normPlacement: 'pre' as const,
    qkNorm: null,
    projectionBias: true,
    causal: true,
    dropout: 0,
    attentionDropout: config.dropout ?? 0,
    activationDropout: 0,
    embeddingScale: true,
    embeddingNorm: false,
    finalNorm: true,
    tiedHead: true,
    logitCap: null,
    adaptiveCutoffs: [],
    adaptiveFactor: 4,
    tailDropout: 0,
    initialization: 'gpt2' as const,
    ...config,
  }
  for (const name of COUNTS) checkInteger('createModel', name, resolved[name], 1)
  for (const name of CHOICES) checkBoolean('createModel', name, resolved[name])
  for (const [name, values] of Object.entries(NAMED))
    checkOneOf('createModel', name, resolved[name as keyof typeof NAMED], values)
  checkPositive('createModel', 'normEpsilon', resolved.normEpsilon)
  for (const name of ['clipQkv', 'logitCap'] as const)
    if (resolved[name] !== null) checkPositive('createModel', name, resolved[name])
  if (resolved.qkNorm !== null) checkOneOf('createModel', 'qkNorm', resolved.qkNorm, ['head', 'all-heads'])
  if (![true, false, 'attention', 'qkv'].includes(resolved.projectionBias))
    fail('createModel', "projectionBias as true, false, 'attention' or 'qkv'", resolved.projectionBias, TypeError)
  if (resolved.parallelResidual && resolved.normPlacement === 'post')
    fail('createModel', "normPlacement 'pre', 'output' or 'pre-and-output' with parallelResidual", 'post')
  checkHeads(resolved)
  for (const name of DROPOUTS)
    if (!(resolved[name] >= 0 && resolved[name] < 1))
      throw new RangeError(`createModel: expected ${name} from 0 up to but not including 1, got ${resolved[name]}`)
  checkAdaptive(resolved)
  return resolved
}

// biome-ignore format: a table
const MEMBERS: readonly (keyof ModelConfig)[] = [
  'vocabularySize', 'numLayers', 'modelDim', 'numHeads', 'headDim', 'mlpDim', 'activation', 'gatedMlp', 'parallelResidual',
  'numKeyValueHeads', 'clipQkv', 'norm', 'normEpsilon', 'normPlacement', 'qkNorm', 'projectionBias', 'causal', 'dropout',
  'attentionDropout', 'activationDropout', 'embeddingScale', 'embeddingNorm', 'finalNorm', 'tiedHead', 'logitCap',
  'adaptiveCutoffs', 'adaptiveFactor', 'tailDropout', 'initialization',
]

const COUNTS = ['vocabularySize', 'numLayers', 'modelDim', 'numHeads', 'numKeyValueHeads', 'mlpDim'] as const

// biome-ignore format: a table
const CHOICES = [
  'gatedMlp', 'parallelResidual', 'causal', 'embeddingScale', 'embeddingNorm', 'finalNorm', 'tiedHead',
] as const

const NAMED = {
  activation: ['gelu', 'gelu-exact', 'relu', 'silu'],
  initialization: ['gpt2', 'fairseq'],
  norm: ['layer', 'rms'],
  normPlacement: ['pre', 'post', 'output', 'pre-and-output'],
} as const

const DROPOUTS = ['dropout', 'attentionDropout', 'activationDropout', 'tailDropout'] as const

function checkHeads({ modelDim, numHeads, numKeyValueHeads, headDim }: ResolvedModelConfig): void {
  if (headDim === modelDim / numHeads && modelDim % numHeads !== 0)
    throw new RangeError(
      `createModel: expected numHeads to divide modelDim, got ${numHeads} heads for ${modelDim}; try ${divisors(modelDim).join(', ')}`,
    )
  checkInteger('createModel', 'headDim', headDim, 1)
  if (numHeads % numKeyValueHeads !== 0)
    throw new RangeError(
      `createModel: expected numKeyValueHeads to divide numHeads, got ${numKeyValueHeads} for ${numHeads}; try ${divisors(numHeads).join(', ')}`,
    )
}

function checkAdaptive({
  adaptiveCutoffs: cutoffs,
  adaptiveFactor: factor,
  vocabularySize,
  modelDim,
  tiedHead,
  logitCap,
}: ResolvedModelConfig): void {
  if (!Array.isArray(cutoffs))
    throw new TypeError(`createModel: expected adaptiveCutoffs as a list of ids, got ${JSON.stringify(cutoffs)}`)
  if (!cutoffs.length) return
  const edges = [0, ...cutoffs, vocabularySize]
  if (edges.some((edge, i) => !Number.isInteger(edge) || (i > 0 && edge <= edges[i - 1]!)))
    throw new RangeError(
      `createModel: expected adaptiveCutoffs ascending between 0 and the vocabulary of ${vocabularySize}, got ${cutoffs}`,
    )
  if (!(factor >= 1 && modelDim / factor ** cutoffs.length >= 1))
    throw new RangeError(
      `createModel: expected an adaptiveFactor ≥ 1 that leaves the last of ${edges.length - 1} bands a dimension of ${modelDim}, got ${factor}`,
    )
  if (!tiedHead) throw new RangeError('createModel: expected tiedHead with adaptiveCutoffs, got false')
  if (logitCap !== null) fail('createModel', 'no logitCap with adaptiveCutoffs', logitCap)
}

/** Up to 32: what a message can suggest, whatever n is. */
const divisors = (n: number) => Array.from({ length: 32 }, (_, i) => i + 1).filter((d) => n % d === 0)
