import * as tf from '@tensorflow/tfjs'
import { type AdamwState, adamw, type Update } from '../plain/optimizers.js'
import { hasOperations, tensorflowOp } from './tensorflow-op.js'

/** AdamW of all parameters in one operation of ours, which reads and writes each array once; see the plain one. */
export function nativeAdamw(update: Update, state: AdamwState): void {
  if (!hasOperations()) {
    adamw(update, state)
    return
  }
  const { parameters, gradient, factor, hyperparameters, weightDecay } = update
  const { firstMoment, secondMoment, beta1, beta2 } = state
  const decays = tf.tensor1d(parameters.map(({ decays }) => Number(decays)))
  const constants = tf.tensor1d([beta1, beta2, 1 - beta1, 1 - beta2, weightDecay])
  const others = [hyperparameters, constants, factor ?? tf.tensor1d([], 'float32'), decays, gradient]
  const arrays = parameters.map(({ value }) => value)
  const inputs = [...others, firstMoment, secondMoment, ...arrays]
  const [first, second, ...updated] = tensorflowOp('AlibiAdamw', { count: arrays.length }, inputs, 2 + arrays.length)
  firstMoment.assign(first as tf.Tensor1D)
  secondMoment.assign(second as tf.Tensor1D)
  arrays.forEach((array, i) => {
    array.assign(updated[i]!)
  })
}
