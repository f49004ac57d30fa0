// Letters: N tokens, V vocabularySize.
import * as tf from '@tensorflow/tfjs'

/**
 * −ln softmax(logits)[target] of each token, with its own gradient (softmax − one-hot).
 *
 * @param logits - shape [N, V]
 * @param targets - token ids; int32 [N]
 * @returns nats; shape [N]
 */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D {
  const V = logits.shape[1]
  const forward = tf.customGrad((logits, save) => {
    const input = logits as tf.Tensor2D
    const oneHot = tf.oneHot(targets, V) as tf.Tensor2D
    const shifted = tf.sub(input, tf.max(input, 1, true))
    const logSum = tf.log(tf.sum(tf.exp(shifted), 1, true))
    const logProbabilities = tf.sub(shifted, logSum)
    ;(save as tf.GradSaveFunc)([logProbabilities, oneHot])
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [logProbabilities, oneHot] = saved as [tf.Tensor, tf.Tensor]
      return [tf.mul(tf.sub(tf.exp(logProbabilities), oneHot), tf.expandDims(dy, 1))]
    }
    return { value: tf.neg(tf.sum(tf.mul(logProbabilities, oneHot), 1)), gradFunc }
  })
  return forward(logits) as tf.Tensor1D
}
