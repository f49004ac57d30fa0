// Letters: N tokens, V vocabularySize.
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'

/**
 * −ln softmax(logits)[target] of each token, with its own gradient (softmax − one-hot).
 *
 * @param logits - shape [N, V]
 * @param targets - token ids; int32 [N]
 * @returns nats; shape [N]
 */
export const crossEntropy = crossEntropyOf(lossesAndGradients)

/** Cross-entropy of a function that gives losses [N] and softmax − one-hot [N, V]. */
export function crossEntropyOf(compute: (logits: tf.Tensor, targets: tf.Tensor1D) => tf.Tensor[]) {
  return (logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D =>
    customGrad(
      { logits },
      ({ logits }) => {
        const [losses, dLogits] = compute(logits, targets) as [tf.Tensor1D, tf.Tensor]
        return { value: losses, saved: { dLogits } }
      },
      (dy, { dLogits }) => ({ logits: tf.mul(dLogits, tf.expandDims(dy, 1)) }),
    )
}

function lossesAndGradients(logits: tf.Tensor, targets: tf.Tensor1D): tf.Tensor[] {
  const oneHot = tf.oneHot(targets, logits.shape[1]!)
  const shifted = tf.sub(logits, tf.max(logits, 1, true))
  const logProbabilities = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)))
  return [tf.neg(tf.sum(tf.mul(logProbabilities, oneHot), 1)), tf.sub(tf.exp(logProbabilities), oneHot)]
}
