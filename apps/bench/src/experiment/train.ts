import { setImmediate } from 'node:timers/promises'
import { compile, ReplicaLostError, type Replicas } from '@alibi/backend'
import { fairseqBatches } from '@alibi/fairseq'
import { cellName } from '@alibi/results'
import type { StrategyRegistry } from '@alibi/strategies'
import type { StepCompiler, Trainer } from '@alibi/transformer'
import { trainingBatch } from '@alibi/transformer'
import { hasCheckpoint, type Metadata, saveCheckpoint } from '@alibi/transformer/node'
import type { z } from 'zod'
import type { Start } from '../checkpoints/start.js'
import { type Cell, cellKey } from '../config/cells.js'
import { stageAt, stagesOf } from '../config/length-schedule.js'
import type { RunConfig } from '../config/schema.js'
import { stepsALine } from '../config/training.js'
import type { Corpus } from '../data/corpus.js'
import { type TaskBatch, taskBatches } from '../data/tasks/rows.js'
import { tokenOf } from '../data/tokenizer/first-token.js'
import { expectSameState, shareNumber, shareState } from '../replicas/exchange.js'
import type { Append } from '../run-folder/append.js'
import { checkpointFolder } from '../run-folder/layout.js'
import { savedInfo, type windowSchema, withWayOut } from '../run-folder/saved.js'
import { thousands } from '../terminal/format.js'
import { Interrupted } from '../terminal/interrupt.js'
import type { Progress } from '../terminal/progress.js'
import { newTrainer, type Stepping, savedTrainer, startedTrainer } from './trainer.js'

/** Steps to time before saying how long the run will take: the first ones are slower. */
const TIMED_STEPS = [5, 20] as const

/**
 * Trains a cell from its checkpoint, or from the start, to the last step: the loop, top to bottom in one function, to be read
 * like a page.
 */
export async function trainCell(cell: Cell, run: Run): Promise<Trainer> {
  const { config, corpus, folder, append, progress, signal, replicas, timedSteps = TIMED_STEPS } = run
  const { steps, batchSize, trainLength, checkpointEvery } = config
  const checkpoint = checkpointFolder(folder, cell)
  const compiler: StepCompiler = (step, variables) =>
    compile(step, variables, {
      ...(run.fused === false && { xla: false }),
      replicas,
      onCompile: ({ numOps, seconds }) => progress.line(`compiled a step of ${numOps} ops in ${seconds.toFixed(1)} s`),
      onFallback: (reason) => progress.line(`steps run op by op: ${reason}`),
    })
  const { index = 0, count = 1 } = replicas ?? {}
  const leads = index === 0
  const ofReplicas = replicas && { replicas: { index, count, stopping: () => signal.aborted } }
  const how = { compile: compiler, documentMark: corpus.documentMark, ...ofReplicas }
  const { trainer, metadata } = leads ? await leadingTrainer(cell, run, how) : followingTrainer(cell, run, how)
  if (replicas) shareState(replicas, trainer)

  const window = resumeWindow(metadata)
  const lineEvery = stepsALine(config)
  const save = async () => {
    if (leads) await saveCheckpoint(checkpoint, trainer, checkpointMetadata(cell, run, window))
  }
  // Replicas agree on the step after which they stop; one that is gone agrees on nothing.
  const isStopped = () => (replicas && !(signal.reason instanceof ReplicaLostError) ? trainer.stopping : signal.aborted)

  // A model that no step is taken with is kept as it is.
  if (steps === 0 && !hasCheckpoint(checkpoint)) await save()

  const batchOf = batchesOf(config, cell, corpus)
  progress.start(cellName(cell), 'train', steps)
  let timedFrom = performance.now()
  let details: string[] = []
  const firstStep = trainer.step
  while (trainer.step < steps) {
    // TensorFlow computes at once: without a turn of its own Ctrl-C would wait for the next line of results.
    await setImmediate()
    if (isStopped()) {
      await save()
      signal.throwIfAborted()
      throw new Interrupted('SIGTERM')
    }
    const started = performance.now()
    const { rows, asked } = batchOf(trainer.step)
    const loss = await trainer.trainStep(rows, asked).catch(async (error: unknown) => {
      if (error instanceof ReplicaLostError) await save()
      return lossOf(error)
    })
    window.lossNats += loss
    window.steps += 1
    const seconds = (performance.now() - started) / 1000
    window.seconds += seconds
    window.elapsedSeconds += seconds
    const { step } = trainer

    const diverged = !Number.isFinite(loss)
    if (step % lineEvery === 0 || step === steps || diverged) {
      const lossNats = window.lossNats / window.steps
      const tokensPerSecond = (window.steps * batchSize * trainLength) / window.seconds
      const { elapsedSeconds } = window
      const peakResidentBytes = process.resourceUsage().maxRSS * 1024
      const measured = { step, lossNats, tokensPerSecond, elapsedSeconds, peakResidentBytes }
      await append({ type: 'train', ...cellKey(cell, config), ...measured })
      details = [`loss ${lossNats.toFixed(3)}`, `${thousands(tokensPerSecond)} tok/s`]
      Object.assign(window, { lossNats: 0, steps: 0, seconds: 0 })
    }
    if (diverged) throw new NotFiniteError(loss, step, firstStep, cell)
    if (step % checkpointEvery === 0 || step === steps) {
      if (replicas) expectSameState(replicas, trainer)
      await save()
    }
    progress.update(step, details.length ? details : [`loss ${loss.toFixed(3)}`])

    if (step - firstStep === timedSteps[0]) timedFrom = performance.now()
    if (step - firstStep === timedSteps[1])
      run.onStepSeconds?.((performance.now() - timedFrom) / 1000 / (timedSteps[1] - timedSteps[0]))
  }
  trainer.sync()
  return trainer
}

/** A step's rows, and which of their targets count: of a text all. */
type Batch = Omit<TaskBatch, 'asked'> & Partial<TaskBatch>

/** The trainer of the cell's checkpoint, or of new weights. */
async function leadingTrainer(cell: Cell, run: Run, how: Stepping) {
  const { trainer, metadata } = hasCheckpoint(checkpointFolder(run.folder, cell))
    ? await openSaved(cell, run, how)
    : { trainer: firstTrainer(cell, run, how), metadata: {} }
  if (run.replicas) shareNumber(run.replicas, trainer.step)
  return { trainer, metadata }
}

/** The trainer of another replica, at the leader's step; it will be given the leader's weights. */
function followingTrainer(cell: Cell, { config, registry, corpus, replicas }: Run, how: Stepping) {
  const step = shareNumber(replicas!)
  return {
    trainer: newTrainer(config, cell, corpus.tokenizer.vocabularySize, registry, { ...how, step }),
    metadata: {},
  }
}

/** The trainer of a cell without a checkpoint. */
function firstTrainer(cell: Cell, { config, registry, corpus, start }: Run, how: Stepping): Trainer {
  if (start) return startedTrainer(config, cell, start, how)
  return newTrainer(config, cell, corpus.tokenizer.vocabularySize, registry, how)
}

/** The rows of each step. */
function batchesOf(config: RunConfig, cell: Cell, corpus: Corpus): (step: number) => Batch {
  const batchOf = plainBatches(config, cell, corpus)
  if (config.firstToken !== 'bos') return batchOf
  const first = tokenOf('bos', corpus.tokenizer)!
  return (step) => {
    const { rows, ...batch } = batchOf(step)
    const begun = rows.map((row) => row.slice())
    for (const row of begun) row[0] = first
    return { rows: begun, ...batch }
  }
}

function plainBatches(config: RunConfig, { seed }: Cell, { train, task, tokenizer }: Corpus): (step: number) => Batch {
  const { batches, batchSize, trainLength, devices } = config
  const stages = stagesOf(config)
  if (task) {
    const ofStage = new Map(
      stages.map((stage) => [stage, taskBatches(task, { batchSize: stage.rows, trainLength: stage.length })]),
    )
    return (step) => ofStage.get(stageAt(stages, step))!(seed, step)
  }
  if (batches === 'anywhere')
    return (step) => {
      const { length, rows } = stageAt(stages, step)
      return { rows: trainingBatch(train, { batchSize: rows, trainLength: length, seed, step }) }
    }
  const blocks = fairseqBatches(train, { batchSize, trainLength, devices, seed, endOfLine: tokenizer.marks.eos! })
  return (step) => ({ rows: blocks(step) })
}

/** The loss of a step that failed because it is not finite; any other error is thrown again. */
function lossOf(error: unknown): number {
  if (error instanceof Error && 'loss' in error && typeof error.loss === 'number') return error.loss
  throw error
}

/** The trainer of the cell's checkpoint, which is first held against the run. */
async function openSaved(cell: Cell, { config, registry, corpus, folder, progress }: Run, how: Stepping) {
  const info = await savedInfo(folder, config, cell)
  const vocabularySize = config.from ? info.config.vocabularySize : corpus.tokenizer.vocabularySize
  if (info.config.vocabularySize !== vocabularySize)
    throw new Error(
      `checkpoint: expected a vocabulary of ${vocabularySize}, as the text has it, got ${info.config.vocabularySize} in the checkpoint of ${cellName(cell)}; the text has changed since it was begun`,
    )
  if (!info.hashed) progress.line(`${cellName(cell)}: checkpoint.json is of an older version, without a hash of itself`)
  return savedTrainer(checkpointFolder(folder, cell), config, cell, registry, how).catch((error: Error) => {
    throw withWayOut(error.message, cell)
  })
}

type Window = z.infer<typeof windowSchema>

const resumeWindow = ({ window }: Metadata): Window => ({
  lossNats: 0,
  steps: 0,
  seconds: 0,
  elapsedSeconds: 0,
  ...(window as Partial<Window> | undefined),
})

/** All that `eval` and `generate` need to use a checkpoint by itself. */
const checkpointMetadata = ({ strategy, seed }: Cell, { config, corpus }: Run, window: Window): Metadata => ({
  seed,
  ...(config.plugins?.[strategy] && { plugin: config.plugins[strategy] }),
  ...(config.variants?.[strategy] && { variant: config.variants[strategy] }),
  ...(config.from && {
    origin: config.from.origin as Metadata,
    from: { path: config.from.path, sha256: config.from.sha256 },
  }),
  ...(config.architecture && { architecture: config.architecture }),
  trainLength: config.trainLength,
  ...(config.lengthSchedule && { lengthSchedule: config.lengthSchedule }),
  batchSize: config.batchSize,
  microBatches: config.microBatches,
  batches: config.batches,
  devices: config.devices,
  ...(config.randomPositions !== undefined && { randomPositions: config.randomPositions }),
  data: config.data,
  firstToken: config.firstToken,
  ...(config.pack !== undefined && { pack: config.pack }),
  vocabularySize: config.vocabularySize,
  tokenizer: corpus.tokenizer.toJSON() as Metadata,
  text: corpus.hash,
  window: { ...window },
})

/** A loss that is no number ends the training of its cell, and of no other. */
export class NotFiniteError extends Error {
  constructor(loss: number, step: number, firstStep: number, cell: Cell) {
    super(
      `train: expected a finite loss, got ${loss} at step ${step} of ${cellName(cell)}; ${likelyCause(step, firstStep)}`,
    )
  }
}

/** A step's loss is that of the weights before it. */
function likelyCause(step: number, firstStep: number): string {
  if (step === 1) return 'no step was taken before: look at what the strategy computes, and at its starting values'
  if (step === firstStep + 1) return 'its checkpoint has weights that are not finite: train it anew'
  return 'lower the learning rate'
}

/** What the cells of a run share. */
export interface Run {
  readonly config: RunConfig
  /** Whether the step is fused where that pays, which takes seconds to prepare. Default true; an estimate does without. */
  readonly fused?: boolean
  readonly registry: StrategyRegistry
  readonly corpus: Corpus
  /** The model that training goes on from, if it does and there is no checkpoint yet. */
  readonly start?: Start | undefined
  /** Where results and checkpoints go. */
  readonly folder: string
  /** To the results. */
  readonly append: Append
  readonly progress: Progress
  /** The processes that train each cell together, all of which call {@link trainCell}; absent: this one does alone. */
  readonly replicas?: Replicas | undefined
  /** Aborted by Ctrl-C: the work stops after the step, with a checkpoint. */
  readonly signal: AbortSignal
  /** The steps after which timing begins and ends. Default 5 and 20. */
  readonly timedSteps?: readonly [number, number]
  /** Told once how long a training step takes. */
  readonly onStepSeconds?: (seconds: number) => void
}
