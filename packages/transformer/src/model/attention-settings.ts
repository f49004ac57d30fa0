import type { AttentionKernel } from '../kernels/attention/kernel.js'
import type { AttentionStorage } from '../kernels/attention/problem.js'

/** How attention is computed, whatever the pass: options of passes, evaluations, generation and trainers. */
export interface AttentionSettings {
  /**
   * How attention keeps queries, keys and values, also for the backward pass: 'float16' is half the memory and half the
   * reading, for webgpu. They are rounded to 11 bits, and NaN beyond 65,504; every sum stays float32. Default 'float32'.
   */
  readonly attentionStorage?: AttentionStorage | undefined
  /**
   * Kernels of attention, or names of ours: `'fused'`, `'native'`, `'skipping'`, `'windowed'`, `'tiled'`, `'general'`. The first that takes the pass is
   * used: `[mine, ...attentionKernels]` tries your own before ours, `['tiled']` forces one. Default: ours in that order.
   */
  readonly attentionKernels?: readonly (AttentionKernel | string)[] | undefined
  /** Queries that attention takes at a time, where its kernel works in tiles: memory grows with queriesPerTile·L. Default 128. */
  readonly queriesPerTile?: number | undefined
}

/** Their names. */
export const ATTENTION_SETTINGS = [
  'attentionStorage',
  'attentionKernels',
  'queriesPerTile',
] as const satisfies readonly (keyof AttentionSettings)[]

/** Picks these settings from other options. */
export const attentionSettings = ({
  attentionStorage,
  attentionKernels,
  queriesPerTile,
}: AttentionSettings): AttentionSettings => ({ attentionStorage, attentionKernels, queriesPerTile })
