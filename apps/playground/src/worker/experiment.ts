import { type Replicas, stepOfThreads } from '@alibi/backend/browser'
import { irope } from '@alibi/rotary'
import { builtInStrategies } from '@alibi/strategies'
import {
  checkpointFiles,
  createModel,
  createTrainer,
  evaluate,
  generate,
  type Model,
  trainingBatch,
} from '@alibi/transformer'
import { evalLengthsOf, TEXT_FILE } from '../corpus.js'
import type { Checkpoint, Experiment, FromWorker, Writing } from '../protocol.js'
import type { Gate } from './gate.js'

type Tell = (message: FromWorker) => void

/** Small enough that a phone trains it in a minute or two. */
const MODEL = { vocabularySize: 256, numLayers: 2, modelDim: 64, numHeads: 4, activation: 'relu' } as const
const TOKENS_A_STEP = 512
const SEED = 1

/** Most held-out tokens scored at each length. */
const EVAL_TOKENS = 4096
/** Tokens of a forward pass, or one sequence: each thread has its own. */
const BATCH_TOKENS = 1024

/** Characters, more or less: a token is a byte. */
const WRITTEN_TOKENS = 200

/** What the work of a run needs. */
export interface Work {
  readonly gate: Pick<Gate, 'pass'>
  readonly tell: Tell
  /** Threads that do it together, all of which call the same functions. Absent: this one does alone. */
  readonly replicas?: Replicas | undefined
}

interface Trained {
  readonly model: Model
  /** Absent where the page is not secure. */
  readonly checkpoint?: Checkpoint
}

/** A model of two layers has no fourth. */
const registry = builtInStrategies.with('irope', ({ headDim }) => irope({ rotaryDim: headDim, every: 2 }))

/**
 * Trains a model with each strategy and reads far with it, as far as the gate lets it.
 *
 * @param models - by strategy: those of the run before go
 * @param use - lets the one that leads use each model
 */
export async function run(
  experiment: Experiment,
  work: Work,
  models: Map<string, Model>,
  use: (strategy: string) => Promise<void> = async () => {},
): Promise<void> {
  const { gate, tell } = work
  for (const model of models.values()) model.dispose()
  models.clear()
  for (const strategy of experiment.strategies) {
    if (!(await gate.pass())) break
    const { model, ...saved } = await train(strategy, experiment, work)
    models.set(strategy, model)
    tell({ type: 'trained', strategy, ...saved })
    await extrapolate(model, strategy, experiment, work)
    if (await gate.pass()) await use(strategy)
  }
}

/**
 * Trains a model, as far as the gate lets it.
 *
 * @returns the model, for the caller to dispose, and its checkpoint; the same start and the same batches for every strategy
 */
export async function train(
  strategy: string,
  experiment: Experiment,
  { gate, tell, replicas }: Work,
): Promise<Trained> {
  const { trainLength, steps, train: tokens } = experiment
  const model = createModel(MODEL, registry.make(strategy, { ...MODEL, trainLength }), SEED)
  const warmupSteps = Math.min(50, steps >> 2)
  const trainer = createTrainer(
    model,
    { kind: 'adamw', learningRate: 5e-3, warmupSteps, totalSteps: steps, weightDecay: 0.1, clipNorm: 1 },
    { seed: SEED, ...(replicas && { replicas, compile: (step) => stepOfThreads(step, replicas) }) },
  )
  const batchSize = Math.max(1, Math.round(TOKENS_A_STEP / trainLength))
  while (trainer.step < steps && (await gate.pass())) {
    const { step } = trainer
    const started = performance.now()
    const loss = await trainer.trainStep(trainingBatch(tokens, { batchSize, trainLength, seed: SEED, step }))
    if (!Number.isFinite(loss)) throw new Error(`train: expected a finite loss, got ${loss} at step ${step}`)
    const tokensPerSecond = (1000 * batchSize * trainLength) / (performance.now() - started)
    tell({ type: 'step', strategy, step: step + 1, loss, tokensPerSecond })
  }
  // Web Crypto, which checkpoints are hashed by, is for secure pages alone.
  const checkpoint =
    globalThis.crypto?.subtle && !replicas?.index
      ? await checkpointFiles(trainer, { seed: SEED, trainLength, data: TEXT_FILE, tokenizer: { kind: 'bytes' } })
      : undefined
  trainer.dispose()
  return { model, ...(checkpoint && { checkpoint }) }
}

/** Perplexity of the held-out text at each length it can fill. */
async function extrapolate(model: Model, strategy: string, experiment: Experiment, { gate, tell, replicas }: Work) {
  for (const evalLength of evalLengthsOf(experiment, experiment.trainLength)) {
    if (!(await gate.pass())) return
    const { perplexity } = await evaluate(model, experiment.valid, {
      evalLength,
      maxTokens: EVAL_TOKENS,
      batchTokens: BATCH_TOKENS,
      replicas,
    })
    tell({ type: 'evaluated', strategy, evalLength, perplexity })
  }
}

/** Continues a prompt and sends the text as it grows. */
export async function write(model: Model, { strategy, prompt, temperature }: Writing, tell: Tell): Promise<void> {
  // Without a prompt: what follows the end of a line.
  const start = Int32Array.from(new TextEncoder().encode(prompt || '\n'))
  const tokens = [...start]
  const text = () => new TextDecoder().decode(Uint8Array.from(tokens))
  await generate(model, start, {
    maxNewTokens: WRITTEN_TOKENS,
    temperature,
    onToken(token) {
      tokens.push(token)
      tell({ type: 'text', strategy, text: text() })
    },
  })
}
