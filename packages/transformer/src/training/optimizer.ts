// Letters: N, the number of parameters: state and gradients are flat vectors, one update for all of them.
import { checkInteger, checkOneOf, checkOptions, checkPositive, fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { currentKernels } from '../kernels/kernels.js'
import type { AdamwState, NesterovState } from '../kernels/plain/optimizers.js'
import { globalNorm } from './global-norm.js'
import { learningRateAt, type Schedule } from './schedule.js'

export interface OptimizerConfig extends Schedule {
  /** AdamW (Loshchilov & Hutter, 2019), or SGD with Nesterov’s momentum, the paper’s. */
  readonly kind: 'adamw' | 'sgd-nesterov'
  /** Decoupled (Loshchilov & Hutter, 2019); on matrices only, not on norms, biases or position parameters. Default 0. */
  readonly weightDecay?: number
  /** AdamW. Defaults 0.9, 0.95, 1e-8. */
  readonly beta1?: number
  /** Decay of the second moment. Default 0.95. */
  readonly beta2?: number
  /** Keeps divisions from 0. Default 1e-8. */
  readonly epsilon?: number
  /**
   * AdamW. Updates that its moments have seen before step 0, where they come from an earlier training: of the correction for
   * their start at 0. Default 0.
   */
  readonly stepsBefore?: number
  /** SGD-Nesterov. Default 0.99, as in the paper. */
  readonly momentum?: number
  /** Gradients are scaled down to this global norm. Absent: not clipped. */
  readonly clipNorm?: number
}

/** Updates parameters from gradients, and keeps its moments. */
export interface Optimizer {
  /** The configuration that it was made with. */
  readonly config: OptimizerConfig
  /** Flat state by name (moments), each [N]. */
  readonly state: Readonly<Record<string, tf.Variable>>
  /** The numbers that change from step to step, for {@link apply}; made on the host, so that a step may be compiled. */
  hyperparameters(step: number): Hyperparameters
  /**
   * Updates the parameters in place.
   *
   * @param gradient - flat [N], in the order of the parameters
   * @param hyperparameters - of the step; fp32 [3]
   */
  apply(gradient: tf.Tensor1D, hyperparameters: tf.Tensor1D): void
  /** Frees its state. */
  dispose(): void
}

/** Learning rate; AdamW's correction of the moments' start at zero, as a factor on the update; its epsilon, corrected. */
type Hyperparameters = readonly [rate: number, correction: number, epsilon: number]

/** The names of the state that an optimizer keeps, each [N]. */
export const optimizerState = (kind: OptimizerConfig['kind']): readonly string[] =>
  kind === 'adamw' ? ['firstMoment', 'secondMoment'] : ['velocity']

/** Updates of all parameters as one flat vector: a dozen operations a step, however many arrays there are. */
export function createOptimizer(config: OptimizerConfig, parameters: ReadonlyMap<string, tf.Variable>): Optimizer {
  checkOptimizer(config, parameters)
  const { beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, momentum = 0.99, weightDecay = 0, clipNorm } = config
  const { stepsBefore = 0 } = config
  const decaying = [...parameters].map(([name, value]) => ({ value, decays: name.endsWith('.weight') }))
  const N = decaying.reduce((sum, { value }) => sum + value.size, 0)
  const zeros = () => tf.tidy(() => tf.variable(tf.zeros([N]), false))
  const state: Record<string, tf.Variable> = Object.fromEntries(
    optimizerState(config.kind).map((name) => [name, zeros()]),
  )

  return {
    config,
    state,
    hyperparameters(step) {
      const updates = stepsBefore + step + 1
      const second = Math.sqrt(1 - beta2 ** updates)
      return [learningRateAt(step, config), second / (1 - beta1 ** updates), epsilon * second]
    },
    apply: (gradient, hyperparameters) =>
      tf.tidy(() => {
        const kernels = currentKernels()
        const factor = clipNorm ? clipFactor(gradient, clipNorm) : undefined
        const update = { parameters: decaying, gradient, factor, hyperparameters, weightDecay }
        if (config.kind === 'adamw') kernels.adamw(update, { ...state, beta1, beta2 } as AdamwState)
        else kernels.nesterov(update, { ...state, momentum } as NesterovState)
      }),
    dispose: () => tf.dispose(Object.values(state)),
  }
}

// biome-ignore format: a table
const OPTIONS: readonly (keyof OptimizerConfig)[] = [
  'kind', 'weightDecay', 'beta1', 'beta2', 'epsilon', 'momentum', 'clipNorm', 'learningRate', 'minLearningRate',
  'warmupSteps', 'totalSteps', 'initialLearningRate', 'stepsBefore',
]

function checkOptimizer(config: OptimizerConfig, parameters: ReadonlyMap<string, tf.Variable>): void {
  const where = 'createOptimizer'
  checkOptions(where, config, OPTIONS)
  checkOneOf(where, 'kind', config.kind, ['adamw', 'sgd-nesterov'])
  checkPositive(where, 'learningRate', config.learningRate)
  if (config.clipNorm !== undefined) checkPositive(where, 'clipNorm', config.clipNorm)
  if (config.epsilon !== undefined) checkPositive(where, 'epsilon', config.epsilon)
  for (const name of ['weightDecay', 'minLearningRate', 'initialLearningRate'] as const) {
    const value = config[name] ?? 0
    if (!(value >= 0 && value < Infinity)) fail(where, `a finite ${name} ≥ 0`, value)
  }
  for (const name of ['beta1', 'beta2', 'momentum'] as const) {
    const value = config[name] ?? 0
    if (!(value >= 0 && value < 1)) fail(where, `${name} from 0 up to but not including 1`, value)
  }
  for (const name of ['warmupSteps', 'stepsBefore'] as const)
    if (config[name] !== undefined) checkInteger(where, name, config[name], 0)
  if (config.totalSteps !== undefined) checkInteger(where, 'totalSteps', config.totalSteps, 1)
  if (!(parameters instanceof Map)) fail(where, 'parameters as a Map of variables by name', parameters, TypeError)
}

/** Pascanu et al. (2013): the whole gradient shrinks together, keeping its direction. */
const clipFactor = (gradient: tf.Tensor1D, norm: number) =>
  tf.minimum(1, tf.div(norm, tf.add(globalNorm(gradient), 1e-6)))
