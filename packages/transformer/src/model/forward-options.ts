// Letters: B batch, K all tokens with the cache's.
import type * as tf from '@tensorflow/tfjs'
import type { KvCache } from '../inference/kv-cache.js'
import type { SlotCache } from '../inference/slot-cache.js'
import type { AttentionSettings } from './attention-settings.js'

/**
 * Whole numbers that may move from run to run of a compiled pass: as many each time. The same array means that nothing moved.
 * Moving positions never count as consecutive, and keys of earlier documents are masked, not left out.
 */
export type Moving = Int32Array | (() => Int32Array)

/** How a pass reads its tokens. */
export interface ForwardOptions extends AttentionSettings {
  /** Earlier tokens; extended by this pass. */
  readonly cache?: KvCache
  /** Earlier tokens in a cache of fixed room, instead of `cache`, with their padding: for passes that are made into graphs. */
  readonly slots?: SlotCache | undefined
  /** Left padding of each row, in tokens, counted from the start of the cache; [B]. */
  readonly padding?: Int32Array | undefined
  /**
   * Positions of all K tokens, the cache's first: of every row, [K], or of each, row after row, [B·K]. Default 0 to K − 1, in
   * rows with padding from its end on, and in documents from the first of each on. They say how far apart tokens are, not
   * which may attend to which. A function is asked again in each run of a compiled pass; see {@link Moving}.
   */
  readonly positions?: Moving | undefined
  /**
   * The document of each of the K tokens, the cache's first; row after row, [B·K]. Tokens of one id that stand together are
   * one document, and no token sees another's. Absent: a row is one document. A function is asked again in each run of a
   * compiled pass.
   */
  readonly documents?: Moving | undefined
  /** Limits each query to the last so many keys, its own included, ≥ 1. Default all. */
  readonly attentionWindow?: number | undefined
  /**
   * Share of attention weight, ≥ 0 and < 1, that a long pass without gradients may leave out of each row. Default 0: keys
   * are left out only where their weight is zero in fp32.
   */
  readonly skipTolerance?: number | undefined
  /** Whether the pass is made into a graph: its attention then reads no numbers on the host. Default false. */
  readonly compiled?: boolean | undefined
  /** Turns dropout on; int32 [1]: each seed drops the same activations. */
  readonly dropoutSeed?: tf.Tensor1D
}
