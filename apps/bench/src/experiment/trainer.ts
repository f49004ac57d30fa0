import type { StrategyRegistry } from '@alibi/strategies'
import { createModel, createTrainer, type StepCompiler, type Trainer } from '@alibi/transformer'
import { loadCheckpoint } from '@alibi/transformer/node'
import type { Start } from '../checkpoints/start.js'
import type { Cell } from '../config/cells.js'
import { modelConfig } from '../config/model.js'
import type { RunConfig } from '../config/schema.js'
import { optimizerConfig } from '../config/training.js'
import { randomPositions } from '../data/random-positions.js'

const stepping = ({ randomPositions: range }: RunConfig, seed: number, compile: StepCompiler) => ({
  compile,
  ...(range !== undefined && {
    positions: (step: number, length: number) => randomPositions(length, range, seed, step),
  }),
})

/** A trainer at step 0. */
export function newTrainer(
  config: RunConfig,
  { strategy, seed }: Cell,
  vocabularySize: number,
  registry: StrategyRegistry,
  compile: StepCompiler,
): Trainer {
  const model = createModel(modelConfig(config, vocabularySize), registry.make(strategy, config), seed)
  return createTrainer(model, optimizerConfig(config), {
    seed,
    microBatches: config.microBatches,
    ...stepping(config, seed, compile),
  })
}

/** A trainer at step 0 of a model that there is already. */
export function startedTrainer(
  config: RunConfig,
  { seed }: Cell,
  { take, optimizerState }: Start,
  compile: StepCompiler,
): Trainer {
  return createTrainer(take(config, seed), optimizerConfig(config), {
    ...{ seed, optimizerState, microBatches: config.microBatches },
    ...stepping(config, seed, compile),
  })
}

/** The trainer of a checkpoint, with what its metadata says of the steps since the last line of results. */
export const savedTrainer = (
  folder: string,
  config: RunConfig,
  { strategy, seed }: Cell,
  registry: StrategyRegistry,
  compile: StepCompiler,
) => loadCheckpoint(folder, registry.make(strategy, config), stepping(config, seed, compile))

export function disposeTrainer(trainer: Trainer): void {
  trainer.dispose()
  trainer.model.dispose()
}
