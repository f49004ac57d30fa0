import { join } from 'node:path'
import { huggingFaceArchitecture } from '@alibi/huggingface/families'
import { type CellKey, cellName, modelSize } from '@alibi/results'
import { createModel, createTrainer, type ModelConfig, type StepCompiler, type Trainer } from '@alibi/transformer'
import { loadCheckpoint } from '@alibi/transformer/node'
import type { RunConfig } from '../config/schema.js'
import { randomPositions } from '../data/random-positions.js'
import { makeStrategy } from '../plugins/strategies.js'

/** One strategy trained from one seed: what a run is made of. */
export interface Cell {
  readonly strategy: string
  readonly seed: number
}

export const cellsOf = ({ strategies, seeds }: RunConfig): Cell[] =>
  seeds.flatMap((seed) => strategies.map((strategy) => ({ strategy, seed })))

/** What identifies the cell in results. */
export const cellKey = ({ strategy, seed }: Cell, config: RunConfig): CellKey => ({
  strategy,
  trainLength: config.trainLength,
  seed,
  size: modelSize(config, config.architecture),
})

export const checkpointFolder = (folder: string, cell: Cell) => join(folder, 'checkpoints', cellName(cell))

export const modelConfig = (config: RunConfig, vocabularySize: number): ModelConfig => ({
  vocabularySize,
  numLayers: config.numLayers,
  modelDim: config.modelDim,
  numHeads: config.numHeads,
  activation: config.activation,
  dropout: config.dropout,
  ...(config.attentionDropout !== undefined && { attentionDropout: config.attentionDropout }),
  activationDropout: config.activationDropout,
  ...(config.adaptiveCutoffs && { adaptiveCutoffs: config.adaptiveCutoffs, tailDropout: config.tailDropout }),
  finalNorm: config.finalNorm,
  ...(config.architecture && huggingFaceArchitecture(config.architecture)),
})

/** Positions that change from step to step cannot be compiled into one. */
const stepping = ({ randomPositions: range }: RunConfig, seed: number, compile: StepCompiler) =>
  range === undefined
    ? { compile }
    : { positions: (step: number, length: number) => randomPositions(length, range, seed, step) }

/** A trainer at step 0. */
export function newTrainer(
  config: RunConfig,
  { strategy, seed }: Cell,
  vocabularySize: number,
  compile: StepCompiler,
): Trainer {
  const model = createModel(modelConfig(config, vocabularySize), makeStrategy(strategy, config), seed)
  const { optimizer: kind, learningRate, minLearningRate, warmupSteps, steps, weightDecay, clipNorm } = config
  return createTrainer(
    model,
    { kind, learningRate, minLearningRate, warmupSteps, totalSteps: steps, weightDecay, clipNorm },
    { seed, microBatches: config.microBatches, ...stepping(config, seed, compile) },
  )
}

/** The trainer of a checkpoint, with what its metadata says of the steps since the last line of results. */
export const savedTrainer = (folder: string, config: RunConfig, { strategy, seed }: Cell, compile: StepCompiler) =>
  loadCheckpoint(folder, makeStrategy(strategy, config), stepping(config, seed, compile))

export function disposeTrainer(trainer: Trainer): void {
  trainer.dispose()
  trainer.model.dispose()
}
