// Letters: R rows and C columns of an array of theirs.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Model, modelFromArrays, resolveConfig } from '@alibi/transformer'
import type { SafetensorsFile } from '@alibi/transformer/node'
import { familyOf, huggingFaceArchitecture } from './families/families.js'
import type { ArrayMapping, Family } from './families/family.js'
import { type Fields, fieldsOf } from './families/fields.js'
import { toOurs } from './layout.js'
import { openWeights } from './weights.js'

/** What {@link loadHuggingFace} read. */
export interface LoadedHuggingFace {
  /** With its strategy and weights. */
  readonly model: Model
  /** `model_type` of config.json. */
  readonly family: string
  /** Tokens of the sequences it was trained on, as far as config.json says; absent if it does not. */
  readonly trainLength: number | undefined
}

/**
 * A model from a folder with `config.json` and `model.safetensors` (or its shards), as Hugging Face transformers saves
 * BLOOM, MPT, GPT-NeoX, Llama and GPT-2: float32 here, whatever the weights are stored in.
 *
 * @throws Error, one line, for a folder of another kind, another family or a variant that is not supported
 */
export async function loadHuggingFace(folder: string): Promise<LoadedHuggingFace> {
  const { family, fields } = await readConfig(folder)
  const { config: given, strategy, trainLength } = family.read(fields)
  const config = resolveConfig({ ...huggingFaceArchitecture(family.name), ...given })
  const mappings = new Map(family.arrays(config, fields).map((mapping) => [mapping.ours, mapping]))
  const file = await openWeights(folder)
  try {
    const model = await modelFromArrays(config, strategy, (name, shape) =>
      readArray(file, mappings.get(name)!, shape, family, config.numHeads),
    )
    return { model, family: family.name, trainLength }
  } finally {
    await file.close()
  }
}

async function readConfig(folder: string): Promise<{ family: Family; fields: Fields }> {
  const text = await readFile(join(folder, 'config.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
    throw new Error(`loadHuggingFace: expected a folder with a config.json, got ${folder} without one`)
  })
  const json = JSON.parse(text)
  const family = familyOf('loadHuggingFace', json.model_type)
  const fields = fieldsOf(json, `loadHuggingFace ${family.name}`)
  fields.only('quantization_config')
  return { family, fields }
}

/** Their arrays of one of ours, stacked and in our layout. */
async function readArray(
  file: SafetensorsFile,
  { ours, theirs, layout }: ArrayMapping,
  shape: readonly number[],
  { prefix }: Family,
  numHeads: number,
): Promise<Float32Array> {
  const size = shape.reduce((a, b) => a * b, 1)
  if (!theirs.length) return new Float32Array(size)
  const names = theirs.map((name) => {
    const known = [name, name.replace(prefix, '')].find((each) => file.shapes.has(each))
    if (known === undefined) throw new Error(`loadHuggingFace: expected an array ${name} (for ${ours}), got none`)
    return known
  })
  const shapes = names.map((name) => file.shapes.get(name)!)
  const [R, C] = [shapes.reduce((sum, [rows]) => sum + rows!, 0), shapes[0]![1]]
  const got = C === undefined ? [R] : layout === 'same' ? [R, C] : [C, R]
  if (`${got}` !== `${shape}` || shapes.some(([, columns]) => columns !== C))
    throw new Error(
      `loadHuggingFace: expected ${names.join(' + ')} to make [${shape}], got ${shapes.map((each) => `[${each}]`).join(' + ')}; config.json is of another model`,
    )
  const stacked = new Float32Array(size)
  let at = 0
  for (const name of names) {
    const part = await file.read(name)
    stacked.set(part, at)
    at += part.length
  }
  return toOurs(stacked, C ?? 1, layout, numHeads)
}
