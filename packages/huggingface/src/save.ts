import { type Model, type ResolvedModelConfig, resolveConfig } from '@alibi/transformer'
import { encodeSafetensors, type NamedArray, readArrays, writeFolder } from '@alibi/transformer/node'
import { familyOf } from './families/families.js'
import type { Family } from './families/family.js'
import { fieldsOf } from './families/fields.js'
import { toOurs, toTheirs } from './layout.js'

/** What {@link saveHuggingFace} takes besides a folder and a model. */
export interface SaveHuggingFaceOptions {
  /** One of `huggingFaceFamilies`. */
  readonly family: string
  /** Tokens of the sequences it was trained on, for readers of config.json. */
  readonly trainLength?: number | undefined
  /** Other files of the folder, such as `tokenizer.json`, by their names. */
  readonly files?: Readonly<Record<string, string>>
}

/**
 * Writes a folder with `config.json` and `model.safetensors` (float32) that Hugging Face transformers loads. The folder
 * appears whole or not at all.
 *
 * @throws Error, one line, for a model that the family cannot express exactly, saying what differs
 */
export async function saveHuggingFace(folder: string, model: Model, options: SaveHuggingFaceOptions): Promise<void> {
  const family = familyOf('saveHuggingFace', options.family)
  checkArchitecture(model.config, family)
  const { config, arrays } = withPlainEmbedding(model.config, await readArrays(model.parameters))
  const json = {
    model_type: family.name,
    architectures: [family.className],
    dtype: 'float32',
    tie_word_embeddings: config.tiedHead,
    // Ends of text are the tokenizer's affair; transformers' defaults are those of the first models of each family.
    bos_token_id: null,
    eos_token_id: null,
    ...family.write({ config, strategy: model.strategy, trainLength: options.trainLength }),
  }
  const written = new Map<string, NamedArray>()
  for (const { ours, theirs, layout } of family.arrays(config, fieldsOf(json, 'saveHuggingFace'))) {
    const { shape, data } = arrays.get(ours)!
    const reversed = layout === 'same' ? shape : [...shape].reverse()
    const [, columns] = reversed
    const whole = toTheirs(data, columns ?? 1, layout, config.numHeads)
    let from = 0
    for (const [i, name] of theirs.entries()) {
      const rows = theirs.length === 1 ? reversed[0]! : partRows(config)[i]!
      const to = from + rows * (columns ?? 1)
      written.set(name, { shape: [rows, ...reversed.slice(1)], data: whole.slice(from, to) })
      from = to
    }
  }
  await writeFolder(folder, {
    ...options.files,
    'config.json': `${JSON.stringify(json, null, 2)}\n`,
    'model.safetensors': encodeSafetensors(written, { format: 'pt' }),
  })
}

/** Rows of queries, keys and values where they are arrays of their own. */
const partRows = ({ modelDim, numHeads, numKeyValueHeads }: ResolvedModelConfig) => {
  const shared = (modelDim / numHeads) * numKeyValueHeads
  return [modelDim, shared, shared]
}

// biome-ignore format: a table
const CHOICES = [
  'activation', 'gatedMlp', 'mlpDim', 'parallelResidual', 'numKeyValueHeads', 'clipQkv', 'norm', 'projectionBias', 'causal',
  'embeddingNorm', 'finalNorm',
] as const

function checkArchitecture(config: ResolvedModelConfig, { name, architecture, free }: Family): void {
  const { vocabularySize, numLayers, modelDim, numHeads, adaptiveCutoffs } = config
  if (adaptiveCutoffs.length)
    throw new Error(
      `saveHuggingFace: expected one table of embeddings for ${name}, got adaptive input with cutoffs ${adaptiveCutoffs}; train a model without`,
    )
  const want = resolveConfig({ vocabularySize, numLayers, modelDim, numHeads, ...architecture })
  const wrong = CHOICES.find((choice) => !free.includes(choice) && config[choice] !== want[choice])
  if (wrong)
    throw new Error(
      `saveHuggingFace: expected ${wrong} ${want[wrong]} for ${name}, got ${config[wrong]}; train a model with the architecture of ${name}`,
    )
}

/** The same model without a scale of its token embeddings: they take it in, and a tied head keeps those without. */
function withPlainEmbedding(config: ResolvedModelConfig, arrays: ReadonlyMap<string, NamedArray>) {
  if (!config.embeddingScale) return { config, arrays }
  const { shape, data } = arrays.get('embedding.weight')!
  const [rows, columns] = shape as readonly [number, number]
  const scale = Math.fround(Math.sqrt(columns))
  const plain = new Map(arrays).set('embedding.weight', { shape, data: data.map((value) => value * scale) })
  if (config.tiedHead)
    plain.set('head.weight', { shape: [columns, rows], data: toOurs(data, columns, 'transposed', config.numHeads) })
  return { config: { ...config, embeddingScale: false, tiedHead: false }, arrays: plain }
}
