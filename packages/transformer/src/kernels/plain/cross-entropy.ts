// Letters: N tokens, V vocabularySize.
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'
import { onTensorflow, tensorflowOp } from '../tensorflow/tensorflow-op.js'
import { fusedCrossEntropy } from '../webgpu/cross-entropy.js'

/**
 * −ln softmax(logits)[target] of each token, with its own gradient (softmax − one-hot).
 *
 * @param logits - shape [N, V]
 * @param targets - token ids; int32 [N]
 * @returns nats; shape [N]
 */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D {
  if (tf.getBackend() === 'webgpu') return fusedCrossEntropy(logits, targets)
  const forward = customGrad(([logits], save) => {
    const [losses, dLogits] = (onTensorflow() ? fused : composed)(logits!, targets)
    save([dLogits!])
    return { value: losses!, gradient: (dy, [dLogits]) => [tf.mul(dLogits!, tf.expandDims(dy, 1))] }
  })
  return forward(logits) as tf.Tensor1D
}

/** @returns losses [N] and softmax − one-hot [N, V] */
const fused = (logits: tf.Tensor, targets: tf.Tensor1D) =>
  tensorflowOp('SparseSoftmaxCrossEntropyWithLogits', { T: 'float32', Tlabels: 'int32' }, [logits, targets], 2)

/** The same in operations that every backend has. */
function composed(logits: tf.Tensor, targets: tf.Tensor1D): tf.Tensor[] {
  const oneHot = tf.oneHot(targets, logits.shape[1]!)
  const shifted = tf.sub(logits, tf.max(logits, 1, true))
  const logProbabilities = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)))
  return [tf.neg(tf.sum(tf.mul(logProbabilities, oneHot), 1)), tf.sub(tf.exp(logProbabilities), oneHot)]
}
