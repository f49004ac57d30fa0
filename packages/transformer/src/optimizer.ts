// Letters: N, the number of parameters: state and gradients are flat vectors, one update for all of them.
import { checkOneOf, checkPositive } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { learningRateAt, type Schedule } from './schedule.js'

export interface OptimizerConfig extends Schedule {
  readonly kind: 'adamw' | 'sgd-nesterov'
  /** Decoupled (Loshchilov & Hutter, 2019); on matrices only, not on norms, biases or position parameters. Default 0. */
  readonly weightDecay?: number
  /** AdamW. Defaults 0.9, 0.95, 1e-8. */
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  /** SGD-Nesterov. Default 0.99, as in the paper. */
  readonly momentum?: number
  /** Gradients are scaled down to this global norm. Absent: not clipped. */
  readonly clipNorm?: number
}

export interface Optimizer {
  readonly config: OptimizerConfig
  /** Flat state by name (moments), each [N]. */
  readonly state: Readonly<Record<string, tf.Variable>>
  /**
   * Updates the parameters in place.
   *
   * @param gradient - flat [N], in the order of the parameters
   * @param step - steps done before this one
   */
  apply(gradient: tf.Tensor1D, step: number): void
  dispose(): void
}

/** Updates of all parameters as one flat vector: a dozen operations a step, however many arrays there are. */
export function createOptimizer(config: OptimizerConfig, parameters: ReadonlyMap<string, tf.Variable>): Optimizer {
  checkOneOf('createOptimizer', 'kind', config.kind, ['adamw', 'sgd-nesterov'])
  checkPositive('createOptimizer', 'learningRate', config.learningRate)
  const { beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, momentum = 0.99, weightDecay = 0, clipNorm } = config
  const variables = [...parameters.values()]
  const sizes = variables.map((v) => v.size)
  const N = sizes.reduce((a, b) => a + b, 0)
  const zeros = () => tf.tidy(() => tf.variable(tf.zeros([N]), false))
  const state: Record<string, tf.Variable> =
    config.kind === 'adamw' ? { firstMoment: zeros(), secondMoment: zeros() } : { velocity: zeros() }
  const decayMask = weightDecay ? tf.tidy(() => tf.keep(maskOfMatrices(parameters))) : undefined

  function direction(gradient: tf.Tensor, step: number): tf.Tensor {
    if (config.kind === 'sgd-nesterov') {
      // Sutskever et al. (2013) as PyTorch and fairseq's nag write it: look ahead along the new velocity.
      const velocity = tf.add(tf.mul(state.velocity!, momentum), gradient)
      state.velocity!.assign(velocity)
      return tf.add(gradient, tf.mul(velocity, momentum))
    }
    const first = tf.add(tf.mul(state.firstMoment!, beta1), tf.mul(gradient, 1 - beta1))
    const second = tf.add(tf.mul(state.secondMoment!, beta2), tf.mul(tf.square(gradient), 1 - beta2))
    state.firstMoment!.assign(first)
    state.secondMoment!.assign(second)
    const scale = Math.sqrt(1 - beta2 ** (step + 1)) / (1 - beta1 ** (step + 1))
    const corrected = epsilon * Math.sqrt(1 - beta2 ** (step + 1))
    return tf.mul(tf.div(first, tf.add(tf.sqrt(second), corrected)), scale)
  }

  return {
    config,
    state,
    apply: (gradient, step) =>
      tf.tidy(() => {
        const rate = learningRateAt(step, config)
        const before = tf.concat1d(variables.map((v) => tf.reshape(v, [-1]) as tf.Tensor1D))
        const update = tf.mul(direction(clipNorm ? clip(gradient, clipNorm) : gradient, step), rate)
        const kept = decayMask ? tf.mul(before, tf.sub(1, tf.mul(decayMask, rate * weightDecay))) : before
        const after = tf.split(tf.sub(kept, update), sizes)
        variables.forEach((variable, i) => {
          variable.assign(tf.reshape(after[i]!, variable.shape))
        })
      }),
    dispose: () => tf.dispose([...Object.values(state), ...(decayMask ? [decayMask] : [])]),
  }
}

/** Pascanu et al. (2013): the whole gradient shrinks together, keeping its direction. */
const clip = (gradient: tf.Tensor1D, norm: number) =>
  tf.mul(gradient, tf.minimum(1, tf.div(norm, tf.add(tf.norm(gradient), 1e-6))))

function maskOfMatrices(parameters: ReadonlyMap<string, tf.Variable>): tf.Tensor1D {
  return tf.concat1d(
    [...parameters].map(([name, v]) => tf.fill([v.size], name.endsWith('.weight') ? 1 : 0) as tf.Tensor1D),
  )
}
