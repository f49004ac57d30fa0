import type { StrategyRegistry } from '@alibi/strategies'
import { createModel, createTrainer, type StepCompiler, type Trainer, type TrainerReplicas } from '@alibi/transformer'
import { loadCheckpoint } from '@alibi/transformer/node'
import type { Start } from '../checkpoints/start.js'
import type { Cell } from '../config/cells.js'
import { modelConfig } from '../config/model.js'
import type { RunConfig } from '../config/schema.js'
import { optimizerConfig } from '../config/training.js'
import { randomPositions } from '../data/random-positions.js'
import { documentIds } from '../data/tokenizer/document-marks.js'

/** How steps are taken, which checkpoints do not keep. */
export interface Stepping {
  readonly compile: StepCompiler
  /** The token that begins each document, where they are packed. */
  readonly documentMark?: number | undefined
  /** Steps done, where another process says so. Default 0. */
  readonly step?: number | undefined
  /** The processes that take each step together. */
  readonly replicas?: TrainerReplicas | undefined
}

const stepping = (
  { randomPositions: range }: RunConfig,
  seed: number,
  { compile, documentMark, replicas }: Stepping,
) => ({
  compile,
  ...(replicas && { replicas }),
  ...(documentMark !== undefined && { documents: documentIds(documentMark) }),
  ...(range !== undefined && {
    positions: (step: number, length: number) => randomPositions(length, range, seed, step),
  }),
})

/** A trainer of new weights. */
export function newTrainer(
  config: RunConfig,
  { strategy, seed }: Cell,
  vocabularySize: number,
  registry: StrategyRegistry,
  how: Stepping,
): Trainer {
  const model = createModel(modelConfig(config, vocabularySize), registry.make(strategy, config), seed)
  return createTrainer(model, optimizerConfig(config), {
    seed,
    microBatches: config.microBatches,
    ...(how.step !== undefined && { step: how.step }),
    ...stepping(config, seed, how),
  })
}

/** A trainer at step 0 of a model that there is already. */
export function startedTrainer(
  config: RunConfig,
  { seed }: Cell,
  { take, optimizerState }: Start,
  how: Stepping,
): Trainer {
  return createTrainer(take(config, seed), optimizerConfig(config), {
    ...{ seed, optimizerState, microBatches: config.microBatches },
    ...stepping(config, seed, how),
  })
}

/** The trainer of a checkpoint, with what its metadata says of the steps since the last line of results. */
export const savedTrainer = (
  folder: string,
  config: RunConfig,
  { strategy, seed }: Cell,
  registry: StrategyRegistry,
  how: Stepping,
) => loadCheckpoint(folder, registry.make(strategy, config), stepping(config, seed, how))

export function disposeTrainer(trainer: Trainer): void {
  trainer.dispose()
  trainer.model.dispose()
}
