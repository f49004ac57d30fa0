// Letters: N, the number of parameters: gradients and moments are flat vectors, one update for all of them.
import * as tf from '@tensorflow/tfjs'

/** One step's update of all parameters, in place. */
export interface Update {
  /** The parameters, in the order of the flat gradient. */
  readonly parameters: readonly { readonly value: tf.Variable; readonly decays: boolean }[]
  /** Flat; shape [N]. */
  readonly gradient: tf.Tensor1D
  /** The scalar that clips the gradient when multiplied with it; undefined: no clipping. */
  readonly factor: tf.Tensor | undefined
  /** Learning rate, correction, epsilon: see `Optimizer`; fp32 [3]. */
  readonly hyperparameters: tf.Tensor1D
  /** Decoupled (Loshchilov & Hutter, 2019). */
  readonly weightDecay: number
}

/** What AdamW keeps, each [N], and how fast it forgets. */
export interface AdamwState {
  readonly firstMoment: tf.Variable
  readonly secondMoment: tf.Variable
  readonly beta1: number
  readonly beta2: number
}

/** What SGD-Nesterov keeps, [N], and how slowly it forgets. */
export interface NesterovState {
  readonly velocity: tf.Variable
  readonly momentum: number
}

/** AdamW (Loshchilov & Hutter, 2019) in a dozen operations, however many arrays there are. */
export function adamw(update: Update, { firstMoment, secondMoment, beta1, beta2 }: AdamwState): void {
  const { hyperparameters } = update
  apply(update, (gradient) => {
    const [, correction, epsilon] = tf.unstack(hyperparameters) as [tf.Tensor, tf.Tensor, tf.Tensor]
    const first = tf.add(tf.mul(firstMoment, beta1), tf.mul(gradient, 1 - beta1))
    const second = tf.add(tf.mul(secondMoment, beta2), tf.mul(tf.square(gradient), 1 - beta2))
    firstMoment.assign(first)
    secondMoment.assign(second)
    return tf.mul(tf.div(first, tf.add(tf.sqrt(second), epsilon)), correction)
  })
}

/** Sutskever et al. (2013) as PyTorch and fairseq's nag write it: look ahead along the new velocity. */
export function nesterov(update: Update, { velocity, momentum }: NesterovState): void {
  apply(update, (gradient) => {
    const next = tf.add(tf.mul(velocity, momentum), gradient)
    velocity.assign(next)
    return tf.add(gradient, tf.mul(next, momentum))
  })
}

/** Moves all parameters along a direction that is made of the clipped gradient. */
function apply(update: Update, direction: (gradient: tf.Tensor) => tf.Tensor): void {
  const { parameters, gradient, factor, hyperparameters, weightDecay } = update
  const variables = parameters.map(({ value }) => value)
  const rate = tf.unstack(hyperparameters)[0]!
  const before = tf.concat1d(variables.map((v) => tf.reshape(v, [-1]) as tf.Tensor1D))
  const step = tf.mul(direction(factor ? tf.mul(gradient, factor) : gradient), rate)
  const decay = () => tf.mul(decaying(parameters), tf.mul(rate, weightDecay))
  const kept = weightDecay ? tf.sub(before, tf.mul(before, decay())) : before
  const after = tf.split(
    tf.sub(kept, step),
    variables.map(({ size }) => size),
  )
  variables.forEach((variable, i) => {
    variable.assign(tf.reshape(after[i]!, variable.shape))
  })
}

/** 1 for numbers that decay, else 0; shape [N]. */
const decaying = (parameters: Update['parameters']): tf.Tensor1D =>
  tf.concat1d(parameters.map(({ value, decays }) => tf.fill([value.size], Number(decays)) as tf.Tensor1D))
