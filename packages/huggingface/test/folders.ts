// Folders as transformers saves them, small, and what a model of one computes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PositionStrategy } from '@alibi/core'
import { createKvCache, createModel, type Model, type ModelConfig } from '@alibi/transformer'
import { encodeSafetensors } from '@alibi/transformer/node'
import * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll } from 'vitest'
import { huggingFaceArchitecture } from '../src/index.js'

/** What transformers computes of a folder. */
export interface Case {
  readonly config: Record<string, unknown>
  readonly arrays: Record<string, number[]>
  readonly logits: number[][]
  /** How many tokens a cache reads in its first pass. Default 5. */
  readonly prefill?: number
  /** Arrays that have the values of another. */
  readonly same?: Record<string, string>
}

/** The project's bound; both compute in fp32, in other orders. */
export const TOLERANCE = { rtol: 0, atol: 1e-4 }

export let temporary: string
beforeAll(async () => {
  await tf.setBackend('cpu')
  temporary = await mkdtemp(join(tmpdir(), 'alibi-'))
})
afterAll(() => rm(temporary, { recursive: true }))

/** The rule of tooling/golden/small_models.py: uniform in ±1/4, around 1 for the scales of norms. */
export function values(name: string, shape: readonly number[]): Float32Array {
  let seed = 0x811c9dc5
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 0x01000193)
  const centre = shape.length === 1 && name.endsWith('weight') ? 1 : 0
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
    let x = Math.imul(i, 2654435761) + seed
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    x = (x ^ (x >>> 16)) >>> 0
    return centre + ((x >>> 8) / 2 ** 24 - 0.5) / 2
  })
}

/** The folder that transformers read to compute a case's logits, or a variant of it. */
export async function folderOf({ config, arrays, same = {} }: Omit<Case, 'logits'>) {
  const folder = await mkdtemp(join(temporary, 'model-'))
  await writeFile(join(folder, 'config.json'), JSON.stringify(config))
  const named = Object.entries(arrays).map(
    ([name, shape]) => [name, { shape, data: values(same[name] ?? name, shape) }] as const,
  )
  await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(new Map(named)))
  return folder
}

export const logits = (model: Model, ...args: Parameters<Model['forward']>) =>
  tf.tidy(() => model.logits(model.forward(...args)).arraySync())

/** The logits of a case's tokens from a cache: of a first pass, of two tokens one at a time, and of the rest. */
export function fromCache(model: Model, ids: Int32Array, prefill = 5): number[][] {
  const cache = createKvCache()
  const ends = [0, prefill, prefill + 1, prefill + 2, ids.length]
  const pieces = ends.slice(1).map((end, i) => ids.subarray(ends[i], end))
  const rows = pieces.flatMap((piece) => logits(model, [piece], { cache }))
  cache.dispose()
  return rows
}

/** The same of a row that stands left-padded beside a longer one. */
export function padded(model: Model, ids: Int32Array): number[][] {
  const rows = [Int32Array.of(...ids, 1, 2, 3), Int32Array.of(0, 0, 0, ...ids)]
  return logits(model, rows, { padding: Int32Array.of(0, 3) }).slice(ids.length + 6)
}

/** A model of ours of the family, with weights of a size that makes differences tell. */
export function ownModel(family: string, strategy: PositionStrategy, more: Partial<ModelConfig> = {}): Model {
  const sizes = { vocabularySize: 11, numLayers: 2, modelDim: 24, numHeads: 3 }
  const model = createModel({ ...sizes, ...huggingFaceArchitecture(family), ...more }, strategy, 4)
  for (const variable of model.parameters.values())
    tf.tidy(() =>
      variable.assign(tf.add(variable, tf.mul(tf.sin(tf.range(0, variable.size)), 0.1).reshape(variable.shape))),
    )
  return model
}
