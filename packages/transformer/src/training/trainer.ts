// Letters: B batch, L tokens (trainLength), N = B·L.
import { checkInteger, checkOptions, fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { opByOp, type StepCompiler } from '../compiler.js'
import { kernelsOf } from '../kernels/attention/kernel.js'
import { attentionKernels } from '../kernels/kernels.js'
import { ATTENTION_SETTINGS, type AttentionSettings, attentionSettings } from '../model/attention-settings.js'
import { checkModel } from '../model/check-model.js'
import type { ForwardOptions } from '../model/forward-options.js'
import type { Model } from '../model/model.js'
import { flatten } from '../model/tokens.js'
import { checkWeights, lossNotFinite } from './finite.js'
import { checkObjective, type MaskedTokens } from './masked.js'
import { createOptimizer, type Optimizer, type OptimizerConfig } from './optimizer.js'
import { checkAsked, checkTrainingRows, inputsOf, rowsOf } from './step-inputs.js'

/** What {@link createTrainer} takes besides a model and an optimizer. */
export interface TrainerOptions extends AttentionSettings {
  /** The seed of dropout. The weights' seed is an option of createModel. Default 0. */
  readonly seed?: number
  /** Parts a batch is cut into, whose gradients add up: the same step in less memory. Default 1. */
  readonly microBatches?: number
  /** Steps already done, when continuing. Default 0. */
  readonly step?: number
  /** Makes the step faster, e.g. one graph. Absent: op by op. */
  readonly compile?: StepCompiler | undefined
  /** Where a step's tokens are, ascending; [L]. Absent: 0 to L − 1. Not with `compile`, which keeps a step's positions. */
  readonly positions?: ((step: number, length: number) => Int32Array) | undefined
  /**
   * The document of each of a row's tokens that the model reads, e.g. how often an end of text came before it: no token sees
   * another document's. Absent: a row is one document. Not with `compile`, which keeps a step's documents.
   */
  readonly documents?: ((tokens: Int32Array) => Int32Array) | undefined
  /** Hides tokens, which the model is to name, instead of asking for the next ones: for a model with `causal: false`. */
  readonly masked?: MaskedTokens | undefined
}

/** Trains a model step by step. */
export interface Trainer {
  /** The model that it trains. */
  readonly model: Model
  /** The optimizer that updates the model. */
  readonly optimizer: Optimizer
  /** The options that it was made with. */
  readonly options: Required<Pick<TrainerOptions, 'seed' | 'microBatches'>>
  /** Steps done. */
  readonly step: number
  /**
   * One update.
   *
   * @param rows - B rows of L + 1 tokens: inputs and, one further on, targets; with `masked` of L tokens, which are both. Some may
   * be shorter, at the end of a text; every token counts as much
   * @param asked - 1 for each target whose loss counts, 0 for others; B of [L]. Not with `masked`. Default: all count
   * @returns the loss before the update: mean nats a token
   * @throws Error for weights that are not finite before the first step, and for a loss that is not finite, with the step,
   * the strategy and the likely cause
   */
  trainStep(rows: readonly Int32Array[], asked?: readonly ArrayLike<number>[]): Promise<number>
  /** Brings the model's parameters and the optimizer's state up to date after compiled steps: call it before using them. */
  sync(): void
  /** Frees the optimizer's state; the model stays. */
  dispose(): void
}

// biome-ignore format: a table
const OPTIONS: readonly (keyof TrainerOptions)[] = [
  'seed', 'microBatches', 'step', 'compile', 'positions', 'documents', 'masked', ...ATTENTION_SETTINGS,
]

/** @throws RangeError or TypeError unless each token of a row has the id of its document */
function idsOf(ids: unknown, { length }: Int32Array): Int32Array {
  if (!(ids instanceof Int32Array)) fail('trainStep', 'documents to return an Int32Array', ids, TypeError)
  if (ids.length !== length) fail('trainStep', `documents to return ${length} ids, one a token of the row`, ids.length)
  return ids
}

/** What a trainer's `positions` return; their number is checked in the pass. */
function placesOf(positions: unknown): Int32Array {
  if (positions instanceof Int32Array) return positions
  return fail('trainStep', 'positions to return an Int32Array', positions, TypeError)
}

/**
 * A trainer of a model: losses of next or of hidden tokens, their gradients, an update of AdamW or SGD.
 *
 * @throws RangeError or TypeError for no model, parts below 1, what the optimizer’s configuration is refused for,
 * `positions` or `documents` together with `compile`, and an objective that the model cannot have
 */
export function createTrainer(model: Model, config: OptimizerConfig, options: TrainerOptions = {}): Trainer {
  checkModel('createTrainer', model)
  checkOptions('createTrainer', options, OPTIONS)
  const { seed = 0, microBatches = 1, step: first = 0, compile = opByOp, positions, documents, masked } = options
  checkInteger('createTrainer', 'seed', seed, Number.MIN_SAFE_INTEGER)
  checkInteger('createTrainer', 'microBatches', microBatches, 1)
  checkInteger('createTrainer', 'step', first, 0)
  for (const [name, value] of Object.entries({ positions, documents }))
    if (value !== undefined && typeof value !== 'function')
      fail('createTrainer', `${name} as a function`, value, TypeError)
  if (positions && options.compile)
    fail('createTrainer', 'positions or compile', 'both; a compiled step keeps its positions', TypeError)
  if (documents && options.compile)
    fail('createTrainer', 'documents or compile', 'both; a compiled step keeps its documents', TypeError)
  checkObjective(model.config, masked)
  kernelsOf('createTrainer', options.attentionKernels, attentionKernels)
  const optimizer = createOptimizer(config, model.parameters)
  const strategy = model.strategy.name
  let step = first
  let read: readonly Int32Array[] = []
  const update = updateOf(model, optimizer, microBatches, (from, to) => ({
    ...attentionSettings(options),
    ...(positions && { positions: placesOf(positions(step, read[0]!.length)) }),
    ...(documents && { documents: flatten(read.slice(from, to).map((tokens) => idsOf(documents(tokens), tokens))) }),
  }))
  const run = compile(update, [...model.parameters.values(), ...Object.values(optimizer.state)])

  return {
    model,
    optimizer,
    options: { seed, microBatches },
    get step() {
      return step
    },
    async trainStep(rows, asked) {
      checkTrainingRows(rows, model.config.vocabularySize)
      if (asked && masked) fail('trainStep', 'asked or masked', 'both; masked chooses its own', TypeError)
      if (asked) checkAsked(asked, rows)
      if (step === first) await checkWeights(model.parameters, { step, strategy })
      const settings = { seed, microBatches, step, masked }
      const stepRows = rowsOf(rows, asked, settings)
      read = stepRows.tokens
      const loss = await lossOf(run, inputsOf(stepRows, model, optimizer, settings))
      step += 1
      if (!Number.isFinite(loss)) throw lossNotFinite(loss, { step, updates: step - 1 - first, strategy })
      return loss
    },
    sync: () => run.sync(),
    dispose() {
      run.dispose()
      optimizer.dispose()
    },
  }
}

/** Runs a step and frees its tensors. */
async function lossOf(run: (...inputs: tf.Tensor[]) => tf.Tensor[], inputs: tf.Tensor[]): Promise<number> {
  try {
    const [loss] = run(...inputs) as [tf.Tensor]
    const [value] = await loss.data().finally(() => loss.dispose())
    return value!
  } finally {
    tf.dispose(inputs)
  }
}

/**
 * All that a step does on the device. No number made here may change from one step to the next: a compiled step keeps it.
 *
 * @param forwardOptions - of a pass over some of the step's rows
 * @returns a function of what {@link inputsOf} makes, that updates the model and gives the loss
 */
function updateOf(
  model: Model,
  optimizer: Optimizer,
  microBatches: number,
  forwardOptions: (from: number, to: number) => ForwardOptions,
) {
  const variables = [...model.parameters.values()]
  const sum = <T extends tf.Tensor>(xs: T[]) => (xs.length === 1 ? xs[0]! : tf.addN<T>(xs))
  return (...[tokens, targets, shares, hyperparameters, seeds, ...places]: tf.Tensor[]): tf.Tensor[] => {
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
          shares: part(shares!, i),
          batchSize: rows,
          places: places.map((of) => row(of, i)),
        },
        { ...forwardOptions(i * rows, (i + 1) * rows), dropoutSeed: tf.slice1d(seeds as tf.Tensor1D, i, 1) },
      ),
    )
    optimizer.apply(sum(parts.map(({ gradient }) => gradient)), hyperparameters as tf.Tensor1D)
    return [sum(parts.map(({ loss }) => loss))]
  }
}

/** A part of a batch, on the device. */
interface Part {
  readonly tokens: tf.Tensor1D
  readonly targets: tf.Tensor1D
  /** The share of each target's loss in the step's loss: 1 / the step's targets. */
  readonly shares: tf.Tensor1D
  readonly batchSize: number
  /** See {@link Vocabulary.losses}. */
  readonly places: readonly tf.Tensor1D[]
}

/** @returns the part's share in the step's mean loss, and its gradient as one flat vector, in the order of `variables` */
function lossAndGradient(
  { forwardTokens, vocabulary }: Model,
  variables: tf.Variable[],
  { tokens, targets, shares, batchSize, places }: Part,
  options: ForwardOptions,
) {
  const { value, grads } = tf.variableGrads(() => {
    const hidden = forwardTokens(tokens, batchSize, options)
    return tf.sum(tf.mul(vocabulary.losses(hidden, targets, places, options.dropoutSeed), shares)) as tf.Scalar
  }, variables)
  const gradient = tf.concat1d(variables.map((v) => tf.reshape(grads[v.name] ?? tf.zerosLike(v), [-1]) as tf.Tensor1D))
  return { loss: value, gradient }
}
