import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { PositionStrategy } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type ModelConfig, type ResolvedModelConfig, resolveConfig } from '../config.js'
import { createModel, type Model } from '../model/model.js'
import { parameterShapes } from '../model/parameters.js'
import { type OptimizerConfig, optimizerState } from '../training/optimizer.js'
import { createTrainer, type Trainer } from '../training/trainer.js'
import type { TrainerOptions } from '../training/trainer-options.js'
import { damaged, parseDescription, sha256 } from './description.js'
import { checkpointFiles, DESCRIPTION, type Description, type Metadata, OPTIMIZER, WEIGHTS } from './files.js'
import { readFileIfThere, writeFolder } from './folder.js'
import { decodeSafetensors, type NamedArray } from './safetensors.js'
import { openSafetensors } from './safetensors-file.js'

/** What a checkpoint is of, read without its weights. */
export interface CheckpointInfo {
  /** The model’s. */
  readonly config: ModelConfig
  /** The strategy's name. */
  readonly strategy: string
  /** Training steps done. */
  readonly step: number
  /** The seed of training's random numbers. */
  readonly seed: number
  /** The trainer's optimizer: its kind and schedule. */
  readonly optimizer: OptimizerConfig
  /** The metadata that was saved. */
  readonly metadata: Metadata
  /** Sizes of the axes of its weights, by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** Whether its description has a hash of itself; those that older versions wrote have none. */
  readonly hashed: boolean
}

/**
 * Writes a folder with `weights.safetensors`, `optimizer.safetensors` and `checkpoint.json`. The folder appears whole or
 * not at all: it is written beside, synced, then renamed; an earlier one stays until then.
 */
export async function saveCheckpoint(folder: string, trainer: Trainer, metadata: Metadata = {}): Promise<void> {
  await writeFolder(folder, await checkpointFiles(trainer, metadata, sha256))
}

/** Whether a checkpoint was saved to the folder, be it good or damaged. */
export const hasCheckpoint = (folder: string): boolean => existsSync(folder) || existsSync(`${folder}.previous`)

/**
 * What a checkpoint is of. Its sizes are those of its weights: nothing that is made of them is larger than the files.
 *
 * @throws Error, one line, if there is no checkpoint, or its description is damaged or of other weights
 */
export async function readCheckpointInfo(folder: string): Promise<CheckpointInfo> {
  const { description, at, hashed } = await describe(folder)
  const { config, strategy, step, random, optimizer, metadata } = description
  const shapes = await headerOf(at, WEIGHTS)
  checkSizes(resolveConfig(config), shapes, at)
  return { config, strategy, step, seed: random.seed, optimizer, metadata, shapes, hashed }
}

/**
 * Reads everything and makes nothing.
 *
 * @throws Error, one line, for a checkpoint of which a bit is not as it was saved
 */
export async function verifyCheckpoint(folder: string): Promise<void> {
  await readCheckpointInfo(folder)
  const { description, at } = await describe(folder)
  for (const name of [WEIGHTS, OPTIMIZER]) await readVerified(at, name, description)
}

/**
 * A checkpoint's weights by their names, without a model.
 *
 * @throws Error, one line, for a missing or damaged checkpoint
 */
export async function readParameters(folder: string): Promise<ReadonlyMap<string, NamedArray>> {
  const { description, at } = await describe(folder)
  return readVerified(at, WEIGHTS, description)
}

/**
 * The state of a checkpoint's optimizer by the names that the optimizer has for it, without a model: to go on with it in another
 * training.
 *
 * @throws Error, one line, for a missing or damaged checkpoint
 */
export async function readOptimizerState(folder: string): Promise<ReadonlyMap<string, NamedArray>> {
  const { description, at } = await describe(folder)
  return readVerified(at, OPTIMIZER, description)
}

/**
 * Continues from a checkpoint: the model, the optimizer's state and the step. Shapes are compared before the model is made.
 *
 * @param strategy - made as it was for the model that was saved
 * @throws Error, one line, for a missing or damaged checkpoint, or one of another strategy or shape, saying what differs
 */
export async function loadCheckpoint(
  folder: string,
  strategy: PositionStrategy,
  options: Omit<TrainerOptions, 'seed' | 'microBatches' | 'step'> = {},
): Promise<{ trainer: Trainer; metadata: Metadata }> {
  const { description, at } = await describe(folder)
  const { config, optimizer, step, random, microBatches, metadata } = description
  if (description.strategy !== strategy.name)
    throw new Error(
      `loadCheckpoint: expected strategy ${strategy.name}, got a checkpoint of ${description.strategy} in ${folder}`,
    )
  const weights = await readVerified(at, WEIGHTS, description)
  const state = await readVerified(at, OPTIMIZER, description)
  checkSizes(resolveConfig(config), shapesOf(weights), at)
  const shapes = parameterShapes(config, strategy)
  checkShapes(shapes, weights, `${folder}/${WEIGHTS}`)
  const total = [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0)
  const moments = new Map(optimizerState(optimizer.kind).map((name) => [name, [total]]))
  checkShapes(moments, state, `${folder}/${OPTIMIZER}`)

  const model: Model = createModel(config, strategy)
  const trainer = createTrainer(model, optimizer, { ...options, seed: random.seed, microBatches, step })
  assignAll(model.parameters, weights)
  assignAll(new Map(Object.entries(trainer.optimizer.state)), state)
  return { trainer, metadata }
}

async function describe(folder: string): Promise<{ description: Description; hashed: boolean; at: string }> {
  for (const at of [folder, `${folder}.previous`]) {
    const bytes = await readFileIfThere(join(at, DESCRIPTION))
    if (bytes) return { ...parseDescription(bytes, at), at }
  }
  throw new Error(`loadCheckpoint: expected a checkpoint folder, got ${folder} without a ${DESCRIPTION}`)
}

type Shapes = ReadonlyMap<string, readonly number[]>

const shapesOf = (arrays: ReadonlyMap<string, NamedArray>): Shapes =>
  new Map([...arrays].map(([name, { shape }]) => [name, shape]))

/** The shapes of a file's arrays, from its header alone. */
async function headerOf(folder: string, name: string): Promise<Shapes> {
  const file = await openSafetensors(join(folder, name)).catch((error: Error) =>
    damaged(name, folder, 'the arrays that were saved', error.message),
  )
  await file.close()
  return file.shapes
}

/** The sizes that a config gives, against arrays that every model has: before a loop over its layers is begun. */
function checkSizes(config: ResolvedModelConfig, shapes: Shapes, folder: string): void {
  const { numLayers, modelDim, numHeads, headDim } = config
  const projections = [...shapes].filter(([name]) => /^layers\.\d+\.attention\.out\.weight$/.test(name))
  const [, [headsDim, width] = []] = projections[0] ?? []
  if (projections.length !== numLayers || width !== modelDim || headsDim !== numHeads * headDim)
    damaged(
      DESCRIPTION,
      folder,
      `the sizes of ${WEIGHTS}, ${projections.length} layers of width ${width ?? 'unknown'} with heads of ${headsDim ?? 'unknown'} in all,`,
      `${numLayers} layers of width ${modelDim} with ${numHeads} heads of ${headDim}`,
    )
}

async function readVerified(folder: string, name: string, { sha256: expected }: Description) {
  const bytes = await readFileIfThere(join(folder, name))
  if (!bytes || sha256(bytes) !== expected[name])
    damaged(name, folder, 'the bytes that were saved', bytes ? 'others' : 'no file')
  return decodeSafetensors(bytes, name)
}

function checkShapes(wanted: Shapes, arrays: ReadonlyMap<string, NamedArray>, where: string): void {
  for (const name of new Set([...wanted.keys(), ...arrays.keys()])) {
    const want = wanted.get(name)
    const got = arrays.get(name)?.shape
    if (`${want}` !== `${got}`)
      throw new Error(
        `loadCheckpoint: expected ${name} ${want ? `of shape [${want}]` : 'not to be there'}, got ${got ? `[${got}]` : 'none'} in ${where}; was the strategy made with other options?`,
      )
  }
}

function assignAll(variables: ReadonlyMap<string, tf.Variable>, arrays: ReadonlyMap<string, NamedArray>): void {
  for (const [name, variable] of variables)
    tf.tidy(() => variable.assign(tf.tensor(arrays.get(name)!.data, variable.shape)))
}
