import * as tf from '@tensorflow/tfjs'

interface WithGradient {
  readonly value: tf.Tensor
  /**
   * @param saved - what the forward pass saved, in its order
   * @returns the gradient of each input
   */
  gradient(dy: tf.Tensor, saved: readonly tf.Tensor[]): tf.Tensor[]
}

/**
 * A function with a gradient of its own, like tf.customGrad, that frees what the gradient makes on the way: TensorFlow.js
 * itself keeps that until the whole step ends.
 *
 * @param forward - gets the inputs and `save`; what its gradient needs must be saved, constants too, or a tidy may free it
 */
export function customGrad(
  forward: (inputs: tf.Tensor[], save: (tensors: tf.Tensor[]) => void) => WithGradient,
): (...inputs: tf.Tensor[]) => tf.Tensor {
  return tf.customGrad((...all) => {
    const save = all.pop() as unknown as tf.GradSaveFunc
    const { value, gradient } = forward(all as tf.Tensor[], save)
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.tidy(() => gradient(dy, saved)) }
  })
}
