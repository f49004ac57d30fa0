// Letters: B batch, L tokens (trainLength), N = B·L.
import { checkInteger, checkOptions, fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { checkReplicas } from '../check-replicas.js'
import type { NamedArray } from '../checkpoint/safetensors.js'
import { hostTensor, opByOp, sumOverReplicas } from '../compiler.js'
import { kernelsOf } from '../kernels/attention/kernel.js'
import { attentionKernels } from '../kernels/kernels.js'
import { ATTENTION_SETTINGS, attentionSettings } from '../model/attention-settings.js'
import { checkModel } from '../model/check-model.js'
import type { ForwardOptions } from '../model/forward-options.js'
import type { Model } from '../model/model.js'
import { checkWeights, lossNotFinite } from './finite.js'
import { checkObjective } from './masked.js'
import { createOptimizer, type Optimizer, type OptimizerConfig } from './optimizer.js'
import { checkAsked, checkTrainingRows, inputsOf, ownRows, partsOf, rowsOf } from './step-inputs.js'
import { createStepPlaces } from './step-places.js'
import type { TrainerOptions, TrainerReplicas } from './trainer-options.js'

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
  /** Whether a replica wanted all to stop, before the last step: the same on all of them. */
  readonly stopping: boolean
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
  'seed', 'microBatches', 'step', 'optimizerState', 'replicas', 'compile', 'positions', 'documents', 'masked', ...ATTENTION_SETTINGS,
]

/**
 * A trainer of a model: losses of next or of hidden tokens, their gradients, an update of AdamW or SGD.
 *
 * @throws RangeError or TypeError for no model, parts below 1, what the optimizer’s configuration is refused for, and an
 * objective that the model cannot have
 */
export function createTrainer(model: Model, config: OptimizerConfig, options: TrainerOptions = {}): Trainer {
  checkModel('createTrainer', model)
  checkOptions('createTrainer', options, OPTIONS)
  const { seed = 0, microBatches = 1, step: first = 0, compile = opByOp, positions, documents, masked } = options
  const { replicas } = options
  checkInteger('createTrainer', 'seed', seed, Number.MIN_SAFE_INTEGER)
  checkInteger('createTrainer', 'microBatches', microBatches, 1)
  checkInteger('createTrainer', 'step', first, 0)
  for (const [name, value] of Object.entries({ positions, documents }))
    if (value !== undefined && typeof value !== 'function')
      fail('createTrainer', `${name} as a function`, value, TypeError)
  checkObjective(model.config, masked)
  if (replicas) checkTrainerReplicas(model.config, replicas, microBatches)
  kernelsOf('createTrainer', options.attentionKernels, attentionKernels)
  const optimizer = createOptimizer(config, model.parameters)
  if (options.optimizerState) assignState(optimizer, options.optimizerState)
  const strategy = model.strategy.name
  let step = first
  let stopping = false
  const parts = partsOf(microBatches, replicas)
  const places = createStepPlaces(options)
  const update = updateOf(
    model,
    optimizer,
    parts.own,
    (from, to) => ({ ...attentionSettings(options), ...places.of(from, to) }),
    replicas,
  )
  const run = compile(update, [...model.parameters.values(), ...Object.values(optimizer.state)])

  return {
    model,
    optimizer,
    options: { seed, microBatches },
    get step() {
      return step
    },
    get stopping() {
      return stopping
    },
    async trainStep(rows, asked) {
      checkTrainingRows(rows, model.config.vocabularySize)
      if (asked && masked) fail('trainStep', 'asked or masked', 'both; masked chooses its own', TypeError)
      if (asked) checkAsked(asked, rows)
      if (step === first) await checkWeights(model.parameters, { step, strategy })
      const settings = { seed, parts, step, masked }
      const stepRows = rowsOf(rows, asked, settings)
      places.begin(step, stepRows.tokens.slice(...ownRows(stepRows.tokens.length, parts)))
      const [loss = Number.NaN, stops = 0] = await outcomeOf(run, inputsOf(stepRows, model, optimizer, settings))
      step += 1
      stopping = stops > 0
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

/** @throws RangeError for the state of another optimizer, or of other parameters */
function assignState({ config, state }: Optimizer, given: ReadonlyMap<string, NamedArray>): void {
  for (const [name, variable] of Object.entries(state)) {
    const array = given.get(name)
    if (array?.data.length !== variable.size)
      fail(
        'createTrainer',
        `optimizerState with ${name} of ${variable.size} numbers, for ${config.kind}`,
        array ? array.data.length : `none; it has ${[...given.keys()].join(', ')}`,
      )
    tf.tidy(() => variable.assign(tf.tensor1d(array.data)))
  }
}

/** Runs a step and frees its tensors. */
async function outcomeOf(run: (...inputs: tf.Tensor[]) => tf.Tensor[], inputs: tf.Tensor[]): Promise<tf.TypedArray> {
  try {
    const [outcome] = run(...inputs) as [tf.Tensor]
    return await outcome.data().finally(() => outcome.dispose())
  } finally {
    tf.dispose(inputs)
  }
}

/**
 * All that a step does on the device. No number made here may change from one step to the next: a compiled step keeps it.
 *
 * @param forwardOptions - of a pass over some of the step's rows
 * @returns a function of what {@link inputsOf} makes, that updates the model and gives the loss; of replicas theirs in all, and
 * how many of them want to stop
 */
function updateOf(
  model: Model,
  optimizer: Optimizer,
  microBatches: number,
  forwardOptions: (from: number, to: number) => ForwardOptions,
  replicas: TrainerReplicas | undefined,
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
    const gradient = sum(parts.map(({ gradient }) => gradient))
    const loss = sum(parts.map(({ loss }) => loss))
    const all = replicas ? overReplicas(gradient, loss, replicas) : { gradient, outcome: loss }
    optimizer.apply(all.gradient, hyperparameters as tf.Tensor1D)
    return [all.outcome]
  }
}

/** One sum for all that replicas must agree on. The norm of the gradient, by which it is clipped, follows from it on each. */
function overReplicas(gradient: tf.Tensor1D, loss: tf.Tensor, { stopping = () => false }: TrainerReplicas) {
  const stops = hostTensor<tf.Rank.R1>(() => Float32Array.of(stopping() ? 1 : 0), [1], 'float32')
  const [N] = gradient.shape
  const summed = sumOverReplicas(tf.concat1d([gradient, tf.reshape(loss, [1]), stops]))
  return { gradient: tf.slice1d(summed, 0, N), outcome: tf.slice1d(summed, N, 2) as tf.Tensor }
}

/**
 * Random numbers of dropout belong to a part of the batch: with as many parts for each replica, all drop what one process would.
 *
 * @throws RangeError, one line, for replicas that there cannot be
 */
function checkTrainerReplicas(config: Model['config'], replicas: TrainerReplicas, microBatches: number): void {
  checkReplicas('createTrainer', replicas)
  const { count } = replicas
  const { dropout, attentionDropout, activationDropout, tailDropout } = config
  const drops = [dropout, attentionDropout, activationDropout, tailDropout].some((rate) => rate > 0)
  if (drops && microBatches % count)
    fail(
      'createTrainer',
      `microBatches that are a multiple of ${count} replicas with dropout, so that they drop what one process would`,
      microBatches,
    )
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
