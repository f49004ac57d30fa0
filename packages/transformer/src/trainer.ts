// Letters: B batch, L tokens (trainLength).
import { checkInteger } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { crossEntropy } from './kernels/cross-entropy.js'
import { flatten, type Model } from './model.js'
import { createOptimizer, type Optimizer, type OptimizerConfig } from './optimizer.js'

export interface TrainerOptions {
  /** Of dropout; the weights' seed is createModel's. Default 0. */
  readonly seed?: number
  /** Parts a batch is cut into, whose gradients add up: the same step in less memory. Default 1. */
  readonly microBatches?: number
  /** Steps already done, when continuing. Default 0. */
  readonly step?: number
}

export interface Trainer {
  readonly model: Model
  readonly optimizer: Optimizer
  readonly options: Required<Omit<TrainerOptions, 'step'>>
  /** Steps done. */
  readonly step: number
  /**
   * One update.
   *
   * @param rows - B rows of L + 1 tokens: inputs and, one further on, targets
   * @returns the loss before the update: mean nats a token
   */
  trainStep(rows: readonly Int32Array[]): Promise<number>
  /** Frees the optimizer's state; the model stays. */
  dispose(): void
}

export function createTrainer(model: Model, config: OptimizerConfig, options: TrainerOptions = {}): Trainer {
  const { seed = 0, microBatches = 1 } = options
  checkInteger('createTrainer', 'microBatches', microBatches, 1)
  const optimizer = createOptimizer(config, model.parameters)
  const variables = [...model.parameters.values()]
  let step = options.step ?? 0

  return {
    model,
    optimizer,
    options: { seed, microBatches },
    get step() {
      return step
    },
    async trainStep(rows) {
      if (rows.length % microBatches !== 0)
        throw new RangeError(
          `trainStep: expected microBatches to divide the batch, got ${microBatches} for ${rows.length} rows`,
        )
      const size = rows.length / microBatches
      const loss = tf.tidy(() => {
        const parts = Array.from({ length: microBatches }, (_, i) => {
          const dropoutSeed = seed + 1_000_003 * (step * microBatches + i)
          return lossAndGradient(model, variables, rows.slice(i * size, (i + 1) * size), dropoutSeed)
        })
        const mean = <T extends tf.Tensor>(xs: T[]) => (xs.length === 1 ? xs[0]! : tf.div<T>(tf.addN(xs), microBatches))
        optimizer.apply(mean(parts.map((part) => part.gradient)), step)
        return mean(parts.map((part) => part.loss))
      })
      step += 1
      const [value] = await loss.data()
      loss.dispose()
      return value!
    },
    dispose: () => optimizer.dispose(),
  }
}

/** @returns the mean loss and its gradient as one flat vector, in the order of `variables` */
function lossAndGradient(model: Model, variables: tf.Variable[], rows: readonly Int32Array[], dropoutSeed: number) {
  const inputs = rows.map((row) => row.subarray(0, -1))
  const targets = rows.map((row) => row.subarray(1))
  const { value, grads } = tf.variableGrads(
    () => tf.mean(crossEntropy(model.logits(model.forward(inputs, { dropoutSeed })), flatten(targets))) as tf.Scalar,
    variables,
  )
  const gradient = tf.concat1d(variables.map((v) => tf.reshape(grads[v.name] ?? tf.zerosLike(v), [-1]) as tf.Tensor1D))
  return { loss: value, gradient }
}
