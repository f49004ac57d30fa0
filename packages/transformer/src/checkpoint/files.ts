// The files of a checkpoint, made without a disk: browsers can too.
import { fail } from '@alibi/core'
import type { ModelConfig } from '../config.js'
import { readArrays } from '../model/parameters.js'
import type { OptimizerConfig } from '../training/optimizer.js'
import type { Trainer } from '../training/trainer.js'
import { encodeSafetensors } from './safetensors.js'

/** What JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
/** What its maker keeps beside a checkpoint. */
export type Metadata = Readonly<Record<string, Json>>

export const WEIGHTS = 'weights.safetensors'
export const OPTIMIZER = 'optimizer.safetensors'
export const DESCRIPTION = 'checkpoint.json'

/** What checkpoint.json says. */
export interface Description {
  readonly formatVersion: 1
  readonly config: ModelConfig
  /** The strategy's name. */
  readonly strategy: string
  /** Training steps done. */
  readonly step: number
  readonly optimizer: OptimizerConfig
  /** All the state that random numbers have: they are functions of the seed and the step. */
  readonly random: { readonly seed: number }
  readonly microBatches: number
  /** The hash of each file, and of this description without its own entry, which older checkpoints lack. */
  readonly sha256: Readonly<Record<string, string>>
  readonly metadata: Metadata
}

/** SHA-256 in hexadecimal; of a string, of its UTF-8. */
export type Sha256 = (content: Uint8Array | string) => string | Promise<string>

/**
 * The files that `saveCheckpoint` writes, by their names: `weights.safetensors`, `optimizer.safetensors` and
 * `checkpoint.json`, for whoever keeps them elsewhere than in a folder, as a web page does.
 *
 * @param metadata - kept beside the model. Default: none
 * @param sha256 - default: that of Web Crypto, which browsers have on https and localhost
 */
export async function checkpointFiles(
  trainer: Trainer,
  metadata: Metadata = {},
  sha256: Sha256 = webSha256,
): Promise<Readonly<Record<string, Uint8Array | string>>> {
  const given: unknown = trainer
  if (typeof (given as Partial<Trainer> | null | undefined)?.sync !== 'function')
    fail('checkpointFiles', 'a trainer', given, TypeError)
  trainer.sync()
  const { model, optimizer, options, step } = trainer
  const arrays = {
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
    sha256: { [WEIGHTS]: await sha256(arrays[WEIGHTS]!), [OPTIMIZER]: await sha256(arrays[OPTIMIZER]!) },
    metadata,
  }
  // With its own hash among those of the files.
  const own = await sha256(JSON.stringify(description))
  const whole = { ...description, sha256: { ...description.sha256, [DESCRIPTION]: own } }
  return { ...arrays, [DESCRIPTION]: `${JSON.stringify(whole, null, 2)}\n` }
}

async function webSha256(content: Uint8Array | string): Promise<string> {
  if (!globalThis.crypto?.subtle)
    throw new Error('checkpointFiles: expected Web Crypto, got none; serve the page over https or from localhost')
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : Uint8Array.from(content)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
