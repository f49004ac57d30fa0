// Letters: L tokens (trainLength).
import type { NamedArray } from '../checkpoint/safetensors.js'
import type { StepCompiler } from '../compiler.js'
import type { AttentionSettings } from '../model/attention-settings.js'
import type { MaskedTokens } from './masked.js'

/**
 * Processes that take each step together, each with its part of the rows. All get the same rows; `compile` sums over them.
 */
export interface TrainerReplicas {
  /** Which of them this is, from 0. */
  readonly index: number
  /** How many there are. */
  readonly count: number
  /** Asked in every step: whether this one wants all to stop after it, see {@link Trainer.stopping}. Default: it does not. */
  readonly stopping?: (() => boolean) | undefined
}

/** What `createTrainer` takes besides a model and an optimizer. */
export interface TrainerOptions extends AttentionSettings {
  /** The seed of dropout. The weights' seed is an option of createModel. Default 0. */
  readonly seed?: number
  /** Parts a batch is cut into, whose gradients add up: the same step in less memory. Default 1. */
  readonly microBatches?: number
  /** Steps already done, when continuing. Default 0. */
  readonly step?: number
  /** The optimizer's state to begin with, by its names, as `readOptimizerState` gives it. Default: zeros. */
  readonly optimizerState?: ReadonlyMap<string, NamedArray> | undefined
  /** Takes each step together with other processes. Absent: alone. */
  readonly replicas?: TrainerReplicas | undefined
  /** Makes the step faster, e.g. one graph. Absent: op by op. */
  readonly compile?: StepCompiler | undefined
  /** Where a step's tokens are, ascending; [L]. Absent: 0 to L − 1. */
  readonly positions?: ((step: number, length: number) => Int32Array) | undefined
  /**
   * The document of each of a row's tokens that the model reads, e.g. how often an end of text came before it: no token sees
   * another document's. Absent: a row is one document.
   */
  readonly documents?: ((tokens: Int32Array) => Int32Array) | undefined
  /** Hides tokens, which the model is to name, instead of asking for the next ones: for a model with `causal: false`. */
  readonly masked?: MaskedTokens | undefined
}
