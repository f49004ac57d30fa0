// Letters: B batch, L tokens (trainLength), N = B·L.
import { checkInteger } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { checkRows, type ForwardOptions, flatten, type Model } from '../model/model.js'
import { createOptimizer, type Optimizer, type OptimizerConfig } from './optimizer.js'

/** A step of tensors made faster, as `compile` of `@alibi/backend` does: see there for what it asks of the step. */
export type StepCompiler = (
  step: (...inputs: tf.Tensor[]) => tf.Tensor[],
  variables: readonly tf.Variable[],
) => ((...inputs: tf.Tensor[]) => tf.Tensor[]) & { sync(): void; dispose(): void }

/** Share of a batch's targets that one tail of an adaptive softmax seldom exceeds; where it does, it has room for all. */
const USUAL_TAIL = 1 / 8

/** What {@link createTrainer} takes besides a model and an optimizer. */
export interface TrainerOptions {
  /** Of dropout; the weights' seed is createModel's. Default 0. */
  readonly seed?: number
  /** Parts a batch is cut into, whose gradients add up: the same step in less memory. Default 1. */
  readonly microBatches?: number
  /** Steps already done, when continuing. Default 0. */
  readonly step?: number
  /** Makes the step faster, e.g. one graph. Absent: op by op. */
  readonly compile?: StepCompiler | undefined
  /** As in {@link ForwardOptions}. Default 'float32'. */
  readonly attentionStorage?: ForwardOptions['attentionStorage']
  /** Where a step's tokens are, ascending; [L]. Absent: 0 to L − 1. Not with `compile`, which keeps a step's positions. */
  readonly positions?: ((step: number, length: number) => Int32Array) | undefined
}

/** Trains a model step by step. */
export interface Trainer {
  /** What it trains. */
  readonly model: Model
  /** What updates it. */
  readonly optimizer: Optimizer
  /** As it was made. */
  readonly options: Required<Pick<TrainerOptions, 'seed' | 'microBatches'>>
  /** Steps done. */
  readonly step: number
  /**
   * One update.
   *
   * @param rows - B rows of L + 1 tokens: inputs and, one further on, targets
   * @returns the loss before the update: mean nats a token
   */
  trainStep(rows: readonly Int32Array[]): Promise<number>
  /** Brings the model's parameters and the optimizer's state up to date after compiled steps: call it before using them. */
  sync(): void
  /** Frees the optimizer's state; the model stays. */
  dispose(): void
}

/**
 * A trainer of a model: losses of next tokens, their gradients, an update of AdamW or SGD.
 *
 * @throws RangeError for parts below 1, and what the optimizer’s configuration is refused for
 * @throws TypeError for `positions` together with `compile`
 */
export function createTrainer(model: Model, config: OptimizerConfig, options: TrainerOptions = {}): Trainer {
  const { seed = 0, microBatches = 1, compile = opByOp, positions, attentionStorage } = options
  checkInteger('createTrainer', 'microBatches', microBatches, 1)
  if (positions && options.compile)
    throw new TypeError('createTrainer: expected positions or compile, got both; a compiled step keeps its positions')
  const optimizer = createOptimizer(config, model.parameters)
  const variables = [...model.parameters.values()]
  let step = options.step ?? 0

  /**
   * All that a step does on the device. No number made here may change from one step to the next: a compiled step keeps
   * it. Inputs: tokens and targets [B, L], the optimizer's hyperparameters [3], a seed of dropout for each part, and each
   * part's places of targets in the tails of an adaptive softmax.
   */
  function update(...[tokens, targets, hyperparameters, seeds, ...places]: tf.Tensor[]): tf.Tensor[] {
    const [B, L] = tokens!.shape as [number, number]
    const rows = B / microBatches
    const part = (x: tf.Tensor, i: number) => tf.reshape(tf.slice(x, [i * rows, 0], [rows, L]), [-1]) as tf.Tensor1D
    const row = (x: tf.Tensor, i: number) => tf.reshape(tf.slice(x, [i, 0], [1, -1]), [-1]) as tf.Tensor1D
    const parts = Array.from({ length: microBatches }, (_, i) =>
      lossAndGradient(
        model,
        variables,
        {
          tokens: part(tokens!, i),
          targets: part(targets!, i),
          batchSize: rows,
          places: places.map((of) => row(of, i)),
        },
        {
          dropoutSeed: tf.slice1d(seeds as tf.Tensor1D, i, 1),
          attentionStorage,
          ...(positions && { positions: positions(step, L) }),
        },
      ),
    )
    const mean = <T extends tf.Tensor>(xs: T[]) => (xs.length === 1 ? xs[0]! : tf.div<T>(tf.addN(xs), microBatches))
    optimizer.apply(mean(parts.map(({ gradient }) => gradient)), hyperparameters as tf.Tensor1D)
    return [mean(parts.map(({ loss }) => loss))]
  }
  /** One [microBatches, R] for each tail. R is the same for most steps, as each length is a graph of its own. */
  function placesOf(targets: readonly Int32Array[]): tf.Tensor[] {
    const rows = targets.length / microBatches
    const parts = Array.from({ length: microBatches }, (_, i) => flatten(targets.slice(i * rows, (i + 1) * rows)))
    const places = parts.map((part) => model.vocabulary.tailPlaces(part))
    const size = parts[0]!.length
    return places[0]!.map((_, tail) => {
      const usual = Math.ceil(size * USUAL_TAIL)
      const room = places.every((of) => of[tail]!.length <= usual) ? usual : size
      const padded = places.map((of) => Int32Array.from({ length: room }, (_, i) => of[tail]![i] ?? size))
      return tf.tensor2d(flatten(padded), [microBatches, room], 'int32')
    })
  }
  const run = compile(update, [...variables, ...Object.values(optimizer.state)])

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
      checkRows(rows, model.config.vocabularySize)
      const part = (from: number, to?: number) => rows.map((row) => row.subarray(from, to))
      const matrix = (part: readonly Int32Array[]) =>
        tf.tensor2d(flatten(part), [rows.length, part[0]!.length], 'int32')
      const inputs: tf.Tensor[] = [
        matrix(part(0, -1)),
        matrix(part(1)),
        tf.tensor1d([...optimizer.hyperparameters(step)]),
        tf.tensor1d(
          Int32Array.from({ length: microBatches }, (_, i) => seed + 1_000_003 * (step * microBatches + i)),
          'int32',
        ),
        ...placesOf(part(1)),
      ]
      const [loss] = run(...inputs)
      step += 1
      const [value] = await loss!.data()
      tf.dispose([...inputs, loss!])
      return value!
    },
    sync: () => run.sync(),
    dispose() {
      run.dispose()
      optimizer.dispose()
    },
  }
}

const opByOp: StepCompiler = (step) =>
  Object.assign((...inputs: tf.Tensor[]) => tf.tidy(() => step(...inputs)), { sync() {}, dispose() {} })

/** A part of a batch, on the device. */
interface Part {
  readonly tokens: tf.Tensor1D
  readonly targets: tf.Tensor1D
  readonly batchSize: number
  /** See {@link Vocabulary.losses}. */
  readonly places: readonly tf.Tensor1D[]
}

/** @returns the mean loss and its gradient as one flat vector, in the order of `variables` */
function lossAndGradient(
  { forwardTokens, vocabulary }: Model,
  variables: tf.Variable[],
  { tokens, targets, batchSize, places }: Part,
  options: ForwardOptions,
) {
  const { value, grads } = tf.variableGrads(() => {
    const hidden = forwardTokens(tokens, batchSize, options)
    return tf.mean(vocabulary.losses(hidden, targets, places, options.dropoutSeed)) as tf.Scalar
  }, variables)
  const gradient = tf.concat1d(variables.map((v) => tf.reshape(grads[v.name] ?? tf.zerosLike(v), [-1]) as tf.Tensor1D))
  return { loss: value, gradient }
}
