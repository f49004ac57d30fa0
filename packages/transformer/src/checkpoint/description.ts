// checkpoint.json: what it must be before anything of it is believed. Its hash tells damage; what somebody wrote on
// purpose is held to the schema here, and to the headers of the weights in `checkpoint.ts`.
import { createHash } from 'node:crypto'
import { type ModelConfig, resolveConfig } from '../config.js'
import { DESCRIPTION, type Description, OPTIMIZER, WEIGHTS } from './files.js'

/** The way out of every damage. */
const WAY_OUT = 'the checkpoint is damaged: take another, or delete this folder and train anew'

/** @throws Error, one line, that names the file, what is wrong with it and what to do */
export function damaged(file: string, folder: string, expected: string, got: string): never {
  throw new Error(`loadCheckpoint: expected ${expected} in ${file} of ${folder}, got ${got}; ${WAY_OUT}`)
}

export const sha256 = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex')

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown, least: number) => Number.isSafeInteger(value) && (value as number) >= least
const isText = (value: unknown) => typeof value === 'string' && value.length > 0
const isHash = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isHashes = (value: unknown) =>
  isObject(value) &&
  [WEIGHTS, OPTIMIZER].every((name) => Object.hasOwn(value, name)) &&
  Object.entries(value).every(([name, hash]) => [WEIGHTS, OPTIMIZER, DESCRIPTION].includes(name) && isHash(hash))
const isOptimizer = (value: unknown) =>
  isObject(value) &&
  Object.entries(value).every(([name, each]) =>
    name === 'kind' ? ['adamw', 'sgd-nesterov'].includes(each as string) : Number.isFinite(each),
  ) &&
  Object.hasOwn(value, 'kind') &&
  (value.learningRate as number) > 0

const SCHEMA: Readonly<Record<keyof Description, readonly [is: (value: unknown) => boolean, expected: string]>> = {
  formatVersion: [(value) => value === 1, 'formatVersion 1; a newer alibi may have written it,'],
  config: [isObject, 'config as an object'],
  strategy: [isText, 'strategy as a name'],
  step: [(value) => isCount(value, 0), 'step as a whole number ≥ 0'],
  optimizer: [isOptimizer, 'optimizer as a kind and numbers, its learningRate > 0,'],
  random: [(value) => isObject(value) && isCount(value.seed, 0), 'random with a seed, a whole number ≥ 0,'],
  microBatches: [(value) => isCount(value, 1), 'microBatches as a whole number ≥ 1'],
  sha256: [isHashes, `sha256 of ${WEIGHTS} and ${OPTIMIZER}`],
  metadata: [isObject, 'metadata as an object'],
}

/**
 * Reads and checks checkpoint.json.
 *
 * @returns it, and whether it has a hash of itself: checkpoints of before 2026-11-26 have none
 * @throws Error, one line, for a description that is damaged, or that describes no model
 */
export function parseDescription(bytes: Uint8Array, folder: string): { description: Description; hashed: boolean } {
  const json = parse(bytes, folder)
  for (const [name, [is, expected]] of Object.entries(SCHEMA)) {
    const value = Object.hasOwn(json, name) ? json[name] : undefined
    if (!is(value)) damaged(DESCRIPTION, folder, expected, `${name} ${shown(value)}`)
  }
  const description = json as unknown as Description
  const { [DESCRIPTION]: own, ...files } = description.sha256
  // In the order in which it was written: `sha256` keeps its place.
  if (own !== undefined && own !== sha256(JSON.stringify({ ...description, sha256: files })))
    damaged(DESCRIPTION, folder, 'what was saved', 'other content')
  try {
    const config = resolveConfig(ofToday(description.config))
    return { description: { ...description, config }, hashed: own !== undefined }
  } catch (error) {
    return damaged(
      DESCRIPTION,
      folder,
      'the config of a model',
      `one that cannot be built (${(error as Error).message})`,
    )
  }
}

/** A config as checkpoints of before 2026-11-27 have it. */
interface OlderConfig extends ModelConfig {
  /** Queries that attention took at a time: no property of a model. */
  readonly blockSize?: number
  /** Now `projectionBias`. */
  readonly biases?: boolean
}

function ofToday({ blockSize: _, biases, ...config }: OlderConfig): ModelConfig {
  return biases === undefined ? config : { projectionBias: biases, ...config }
}

function parse(bytes: Uint8Array, folder: string): Readonly<Record<string, unknown>> {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return damaged(DESCRIPTION, folder, 'JSON', bytes.length ? 'other bytes' : 'an empty file')
  }
  return isObject(json) ? json : damaged(DESCRIPTION, folder, 'an object', shown(json))
}

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 80) ?? 'none'
