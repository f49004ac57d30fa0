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

/** Characters, more or less: a token is a byte. */
const WRITTEN_TOKENS = 200

export interface Trained {
  readonly model: Model
  /** Absent where the page is not secure. */
  readonly checkpoint?: Checkpoint
}

/** A model of two layers has no fourth. */
const registry = builtInStrategies.with('irope', ({ headDim }) => irope({ rotaryDim: headDim, every: 2 }))

/**
 * Trains a model, as far as the gate lets it.
 *
 * @returns the model, for the caller to dispose, and its checkpoint; the same start and the same batches for every strategy
 */
export async function train(strategy: string, experiment: Experiment, gate: Gate, tell: Tell): Promise<Trained> {
  const { trainLength, steps, train: tokens } = experiment
  const model = createModel(MODEL, registry.make(strategy, { ...MODEL, trainLength }), SEED)
  const warmupSteps = Math.min(50, steps >> 2)
  const trainer = createTrainer(
    model,
    { kind: 'adamw', learningRate: 5e-3, warmupSteps, totalSteps: steps, weightDecay: 0.1, clipNorm: 1 },
    { seed: SEED },
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
  const checkpoint = globalThis.crypto?.subtle
    ? await checkpointFiles(trainer, { seed: SEED, trainLength, data: TEXT_FILE, tokenizer: { kind: 'bytes' } })
    : undefined
  trainer.dispose()
  return { model, ...(checkpoint && { checkpoint }) }
}

/** Perplexity of the held-out text at each length it can fill. */
export async function extrapolate(model: Model, strategy: string, experiment: Experiment, gate: Gate, tell: Tell) {
  for (const evalLength of evalLengthsOf(experiment, experiment.trainLength)) {
    if (!(await gate.pass())) return
    const { perplexity } = await evaluate(model, experiment.valid, { evalLength, maxTokens: EVAL_TOKENS })
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
