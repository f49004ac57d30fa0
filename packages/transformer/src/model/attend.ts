// Letters: B batch, L tokens, K all tokens with the cache's, H heads.
import { layerStrategy, type PositionStrategy } from '@alibi/core'
import type { ResolvedModelConfig } from '../config.js'
import { type AttentionKernel, chooseAttention, kernelsOf } from '../kernels/attention/kernel.js'
import {
  type AttentionFeature,
  type AttentionProblem,
  featuresOf,
  QUERIES_PER_TILE,
} from '../kernels/attention/problem.js'
import { slotted } from '../kernels/attention/slots.js'
import type { Kernels } from '../kernels/kernels.js'
import { biasForm } from './attention-bias.js'
import type { ForwardOptions } from './forward-options.js'
import { earliestStarts, isConsecutive, type Places } from './places.js'
import { isPackable } from './rotation.js'

/** How a layer attends in one pass. Its kernel is chosen before anything is computed. */
export interface LayerAttention {
  readonly problem: AttentionProblem
  readonly kernel: AttentionKernel
  /** Whether the kernel reads queries, keys and values straight from their projection. */
  readonly projected: boolean
}

/** What the choice of a kernel depends on, besides the model and the options. */
interface Pass {
  readonly batchSize: number
  readonly places: Places
  /** Whether gradients of the result are wanted. */
  readonly trains: boolean
  /** Whether dropout is on. */
  readonly drops: boolean
}

/**
 * Chooses the kernel of each layer.
 *
 * @throws Error, one line, if no kernel takes the pass
 */
export function layerAttention(
  config: ResolvedModelConfig,
  strategy: PositionStrategy,
  pass: Pass,
  options: Omit<ForwardOptions, 'positions' | 'dropoutSeed'>,
  { backend, attention: ours }: Kernels,
): readonly LayerAttention[] {
  const { batchSize, places } = pass
  const { numLayers, numHeads, numKeyValueHeads, headDim, clipQkv, qkNorm } = config
  const { keys, numQueries } = places
  const sizes = { batchSize, numHeads, numQueries, numKeys: keys.length, headDim }
  const { queriesPerTile = QUERIES_PER_TILE, skipTolerance = 0, compiled, cache, slots } = options
  const kernels = slots ? [slotted] : kernelsOf('forward', options.attentionKernels, ours)
  const documentStarts = earliestStarts(places)
  const made = new Map<PositionStrategy, LayerAttention>()
  return Array.from({ length: numLayers }, (_, layer) => {
    const part = layerStrategy(strategy, layer)
    const before = made.get(part)
    if (before) return before
    const asked = askedOf(config, part, pass, options)
    const problem = { backend, ...sizes, ...asked, queriesPerTile, skipTolerance, compiled, documentStarts }
    const kernel = chooseAttention(kernels, problem)
    const untouched = numKeyValueHeads === numHeads && clipQkv === null && qkNorm === null
    const whole = !cache && !slots && untouched && isPackable(part, places)
    const attention = { problem, kernel, projected: kernel.runProjected !== undefined && whole }
    made.set(part, attention)
    return attention
  })
}

/** The features that a layer asks its kernel for, with their numbers. */
function askedOf(
  config: ResolvedModelConfig,
  part: PositionStrategy,
  { places, trains, drops }: Pass,
  options: Omit<ForwardOptions, 'positions' | 'dropoutSeed'>,
) {
  const { attentionWindow = Infinity, attentionStorage: storage } = options
  const { window: ownWindow = Infinity, sinks } = part.visibility ?? {}
  const narrow = Math.min(attentionWindow, ownWindow)
  const window = narrow < places.keys.length ? narrow : undefined
  const also: AttentionFeature[] = []
  if (window !== undefined && sinks) also.push('sinks')
  if (places.documentStarts) also.push('documents')
  if (part.gate) also.push('gate')
  if (part.terms) {
    also.push('relative terms')
    if (!isConsecutive(places)) also.push('position gaps')
  }
  if (part.scores) also.push('rewritten scores')
  if (part.sink) also.push('sink logit')
  if (!config.causal) also.push('all keys')
  const asks = featuresOf({
    bias: biasForm(part, places, config.causal),
    trainedBias: trains && part.parameters !== undefined,
    padding: places.padding !== undefined,
    window: window !== undefined,
    dropout: drops && config.attentionDropout > 0,
    storage,
    also,
  })
  return { asks, trains, window, sinks: window === undefined ? undefined : sinks }
}
