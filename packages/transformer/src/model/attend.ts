// Letters: B batch, L tokens, K all tokens with the cache's, H heads.
import type { PositionStrategy, Positions } from '@alibi/core'
import type { ResolvedModelConfig } from '../config.js'
import { type AttentionKernel, chooseAttention, kernelsOf } from '../kernels/attention/kernel.js'
import { type AttentionProblem, featuresOf, QUERIES_PER_TILE } from '../kernels/attention/problem.js'
import type { Kernels } from '../kernels/kernels.js'
import { biasForm } from './attention-bias.js'
import type { ForwardOptions } from './forward-options.js'

/** How a layer attends in one pass: its kernel, chosen before anything is computed. */
export interface LayerAttention {
  readonly problem: AttentionProblem
  readonly kernel: AttentionKernel
  /** Whether the kernel reads queries, keys and values straight from their projection. */
  readonly projected: boolean
}

/** What the choice depends on besides the model and the options. */
interface Pass {
  readonly batchSize: number
  /** L, the new tokens. */
  readonly numQueries: number
  /** Positions of all K tokens. */
  readonly keys: Positions
  /** Whether gradients of the result are wanted. */
  readonly trains: boolean
  /** Whether dropout is on. */
  readonly drops: boolean
}

/**
 * The attention of each layer.
 *
 * @throws Error, one line, where no kernel takes the pass
 */
export function layerAttention(
  config: ResolvedModelConfig,
  strategy: PositionStrategy,
  { batchSize, numQueries, keys, trains, drops }: Pass,
  options: Omit<ForwardOptions, 'positions' | 'dropoutSeed'>,
  { backend, attention: ours }: Kernels,
): readonly LayerAttention[] {
  const { numLayers, numHeads, numKeyValueHeads, modelDim, clipQkv, attentionDropout } = config
  const { attentionWindow, padding, cache, skipTolerance = 0 } = options
  const { attentionStorage: storage, queriesPerTile = QUERIES_PER_TILE } = options
  const numKeys = keys.length
  const window = attentionWindow !== undefined && attentionWindow < numKeys ? attentionWindow : undefined
  const asks = featuresOf({
    bias: biasForm(strategy, keys),
    trainedBias: trains && strategy.parameters !== undefined,
    padding: padding !== undefined,
    window: window !== undefined,
    dropout: drops && attentionDropout > 0,
    storage,
  })
  const sizes = { batchSize, numHeads, numQueries, numKeys, headDim: modelDim / numHeads }
  const problem = { backend, ...sizes, asks, trains, window, queriesPerTile, skipTolerance }
  const kernel = chooseAttention(kernelsOf('forward', options.attentionKernels, ours), problem)
  const projected = kernel.runProjected !== undefined && !cache && numKeyValueHeads === numHeads && clipQkv === null
  // One strategy for all layers: one choice.
  return Array.from({ length: numLayers }, () => ({ problem, kernel, projected }))
}
