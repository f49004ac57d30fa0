import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { PositionStrategy } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { ModelConfig } from '../config.js'
import { createModel, type Model } from '../model/model.js'
import { readArrays } from '../model/parameters.js'
import type { OptimizerConfig } from '../training/optimizer.js'
import { createTrainer, type Trainer, type TrainerOptions } from '../training/trainer.js'
import { ignoreMissing, writeFolder } from './folder.js'
import { decodeSafetensors, encodeSafetensors, type NamedArray } from './safetensors.js'

/** What JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
/** What its maker keeps beside a checkpoint. */
export type Metadata = Readonly<Record<string, Json>>

/** What a checkpoint is of, read without its weights. */
export interface CheckpointInfo {
  /** The model’s. */
  readonly config: ModelConfig
  /** The strategy's name. */
  readonly strategy: string
  /** Training steps done. */
  readonly step: number
  /** As it was saved. */
  readonly metadata: Metadata
}

interface Description extends CheckpointInfo {
  readonly formatVersion: 1
  readonly optimizer: OptimizerConfig
  /** All the state that random numbers have: they are functions of the seed and the step. */
  readonly random: { readonly seed: number }
  readonly microBatches: number
  readonly sha256: Readonly<Record<string, string>>
}

const WEIGHTS = 'weights.safetensors'
const OPTIMIZER = 'optimizer.safetensors'
const DESCRIPTION = 'checkpoint.json'

/**
 * Writes a folder with `weights.safetensors`, `optimizer.safetensors` and `checkpoint.json`. The folder appears whole or
 * not at all: it is written beside, synced, then renamed; an earlier one stays until then.
 */
export async function saveCheckpoint(folder: string, trainer: Trainer, metadata: Metadata = {}): Promise<void> {
  trainer.sync()
  const { model, optimizer, options, step } = trainer
  const files = {
    [WEIGHTS]: encodeSafetensors(await readArrays(model.parameters)),
    [OPTIMIZER]: encodeSafetensors(await readArrays(new Map(Object.entries(optimizer.state)))),
  }
  const description: Description = {
    formatVersion: 1,
    config: model.config,
    strategy: model.strategy.name,
    step,
    optimizer: optimizer.config,
    random: { seed: options.seed },
    microBatches: options.microBatches,
    sha256: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)])),
    metadata,
  }
  await writeFolder(folder, { ...files, [DESCRIPTION]: `${JSON.stringify(description, null, 2)}\n` })
}

/** Whether a checkpoint was saved to the folder, be it good or damaged. */
export const hasCheckpoint = (folder: string): boolean => existsSync(folder) || existsSync(`${folder}.previous`)

/** @throws Error, one line, if there is no checkpoint or its description is damaged */
export async function readCheckpointInfo(folder: string): Promise<CheckpointInfo> {
  return (await describe(folder)).description
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
 * Continues from a checkpoint: the model, the optimizer's state and the step.
 *
 * @param strategy - made as it was for the model that was saved
 * @throws Error, one line, for a missing or damaged checkpoint, or one of another strategy or shape, saying what differs
 */
export async function loadCheckpoint(
  folder: string,
  strategy: PositionStrategy,
  options: Pick<TrainerOptions, 'compile' | 'positions'> = {},
): Promise<{ trainer: Trainer; metadata: Metadata }> {
  const { description, at } = await describe(folder)
  const { config, optimizer, step, random, microBatches, metadata } = description
  if (description.strategy !== strategy.name)
    throw new Error(
      `loadCheckpoint: expected strategy ${strategy.name}, got a checkpoint of ${description.strategy} in ${folder}`,
    )
  const weights = await readVerified(at, WEIGHTS, description)
  const state = await readVerified(at, OPTIMIZER, description)
  const model: Model = createModel(config, strategy)
  const trainer = createTrainer(model, optimizer, { ...options, seed: random.seed, microBatches, step })
  try {
    assignAll(model.parameters, weights, `${folder}/${WEIGHTS}`)
    assignAll(new Map(Object.entries(trainer.optimizer.state)), state, `${folder}/${OPTIMIZER}`)
  } catch (error) {
    trainer.dispose()
    model.dispose()
    throw error
  }
  return { trainer, metadata }
}

async function describe(folder: string): Promise<{ description: Description; at: string }> {
  for (const at of [folder, `${folder}.previous`]) {
    const text = await readFile(join(at, DESCRIPTION), 'utf8').catch(ignoreMissing)
    if (text === undefined) continue
    const description = parse(text)
    if (description?.formatVersion !== 1 || !description.sha256 || !description.config)
      throw new Error(
        `loadCheckpoint: expected a ${DESCRIPTION} of format 1 in ${basename(folder)}, got a damaged or newer one`,
      )
    return { description, at }
  }
  throw new Error(`loadCheckpoint: expected a checkpoint folder, got ${folder} without a ${DESCRIPTION}`)
}

function parse(text: string): Description | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function readVerified(folder: string, name: string, { sha256: expected }: Description) {
  const bytes = await readFile(join(folder, name)).catch(ignoreMissing)
  if (!bytes || sha256(bytes) !== expected[name])
    throw new Error(
      `loadCheckpoint: expected ${name} as it was saved, got ${bytes ? 'other bytes' : 'no file'} in ${folder}; the checkpoint is damaged, use another or start again`,
    )
  return decodeSafetensors(bytes)
}

function assignAll(variables: ReadonlyMap<string, tf.Variable>, arrays: Map<string, NamedArray>, where: string) {
  const names = new Set([...variables.keys(), ...arrays.keys()])
  for (const name of names) {
    const [want, got] = [variables.get(name)?.shape, arrays.get(name)?.shape]
    if (`${want}` !== `${got}`)
      throw new Error(
        `loadCheckpoint: expected ${name} ${want ? `of shape [${want}]` : 'not to be there'}, got ${got ? `[${got}]` : 'none'} in ${where}; was the strategy made with other options?`,
      )
  }
  for (const [name, variable] of variables)
    tf.tidy(() => variable.assign(tf.tensor(arrays.get(name)!.data, variable.shape)))
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
