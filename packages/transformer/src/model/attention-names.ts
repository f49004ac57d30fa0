import { checkInteger } from '@alibi/core'
import { currentKernels } from '../kernels/kernels.js'
import { layerAttention } from './attend.js'
import type { AttentionSettings } from './attention-settings.js'
import { checkModel } from './check-model.js'
import type { Model } from './model.js'
import { placesOf } from './places.js'

/** A pass over whole sequences, as far as the choice of kernels depends on it. */
export interface AttentionNamesOptions extends AttentionSettings {
  /** Rows. Default 1. */
  readonly batchSize?: number | undefined
  /** Tokens of a row. */
  readonly length: number
  /** Positions of the tokens; [length]. Default 0 to length − 1. */
  readonly positions?: Int32Array | undefined
  /** Whether it is a training step: with gradients, and with the model's dropout. Default false. */
  readonly trains?: boolean | undefined
  /** As in `ForwardOptions`. */
  readonly attentionWindow?: number | undefined
  /** As in `ForwardOptions`. */
  readonly compiled?: boolean | undefined
}

/**
 * The kernel of each layer's attention in such a pass on the backend that is selected, without running it.
 *
 * @returns a name for each layer, e.g. `['tiled', 'tiled']`
 * @throws Error, one line, where no kernel takes it
 */
export function attentionNames(model: Model, options: AttentionNamesOptions): readonly string[] {
  checkModel('attentionNames', model)
  checkInteger('attentionNames', 'length', options?.length, 1)
  const { batchSize = 1, length, positions, trains = false } = options
  const places = placesOf(positions ? { positions } : {}, false, batchSize, length, length)
  const pass = { batchSize, places, trains, drops: trains }
  return layerAttention(model.config, model.strategy, pass, options, currentKernels()).map(({ kernel }) => kernel.name)
}
