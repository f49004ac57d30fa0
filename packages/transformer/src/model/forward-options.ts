// Letters: B batch, K all tokens with the cache's.
import type * as tf from '@tensorflow/tfjs'
import type { KvCache } from '../inference/kv-cache.js'
import type { AttentionSettings } from './attention-settings.js'

/** How a pass reads its tokens. */
export interface ForwardOptions extends AttentionSettings {
  /** Earlier tokens; extended by this pass. */
  readonly cache?: KvCache
  /** Left padding of each row, in tokens, counted from the start of the cache; [B]. */
  readonly padding?: Int32Array
  /**
   * Positions of all K tokens, the cache's first; [K]. Default 0 to K − 1. They say how far apart tokens are, not which
   * may attend to which: a row of two documents whose positions start again at 0 still reads the first one in the second.
   */
  readonly positions?: Int32Array
  /** Limits each query to the last so many keys, its own included, ≥ 1. Default all. */
  readonly attentionWindow?: number | undefined
  /**
   * Share of attention weight, ≥ 0 and < 1, that a long pass without gradients may leave out of each row. Default 0: keys
   * are left out only where their weight is zero in fp32.
   */
  readonly skipTolerance?: number | undefined
  /** Turns dropout on; int32 [1]: each seed drops the same activations. */
  readonly dropoutSeed?: tf.Tensor1D
}
