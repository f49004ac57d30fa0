// Letters: N tokens, D modelDim, V vocabularySize.
import type * as tf from '@tensorflow/tfjs'

/** Where a model's tokens come in and go out. */
export interface Vocabulary {
  /**
   * @param ids - int32 [N]
   * @returns shape [N, D]
   */
  embed(ids: tf.Tensor1D): tf.Tensor2D
  /** The LM head, [N, D] → [N, V]: their softmax is what the model predicts. */
  logits(hidden: tf.Tensor2D): tf.Tensor2D
  /**
   * −ln p of each target, without making all logits where that can be avoided.
   *
   * @param hidden - shape [N, D]
   * @param targets - int32 [N]
   * @param places - from {@link Vocabulary.tailPlaces}; each list may be padded at the end with N
   * @param dropoutSeed - turns dropout on; int32 [1]
   * @returns nats; shape [N]
   */
  losses(
    hidden: tf.Tensor2D,
    targets: tf.Tensor1D,
    places: readonly tf.Tensor1D[],
    dropoutSeed?: tf.Tensor1D,
  ): tf.Tensor1D
  /** Where the targets of each tail of an adaptive softmax are, int32 lists of places; none for a plain one. */
  tailPlaces(targets: Int32Array): Int32Array[]
  /** Tokens and clusters that each loss takes a logit for, those of tails aside: what memory grows with. */
  readonly headSize: number
}
