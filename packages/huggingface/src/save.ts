import { type Model, type ModelConfig, type ResolvedModelConfig, resolveConfig } from '@alibi/transformer'
import { encodeSafetensors, type NamedArray, readArrays, writeFolder } from '@alibi/transformer/node'
import { familyOf } from './families/families.js'
import type { ArrayMapping, Family } from './families/family.js'
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
  const scaled = family.architecture.embeddingScale ?? false
  const { config, arrays } = withEmbeddingScale(scaled, model.config, await readArrays(model.parameters))
  const json = {
    model_type: family.name,
    architectures: [family.className],
    dtype: 'float32',
    tie_word_embeddings: config.tiedHead,
    // Ends of text and padding are the tokenizer's affair; transformers' defaults are those of the first models of each family.
    bos_token_id: null,
    eos_token_id: null,
    pad_token_id: null,
    ...family.write({ config, strategy: model.strategy, trainLength: options.trainLength }),
  }
  const written = new Map<string, NamedArray>()
  for (const mapping of family.arrays(config, fieldsOf(json, 'saveHuggingFace')))
    writeArray(written, mapping, arrays.get(mapping.ours)!, config)
  await writeFolder(folder, {
    ...options.files,
    'config.json': `${JSON.stringify(json, null, 2).replace(WHOLE, '$1.0')}\n`,
    'model.safetensors': encodeSafetensors(written, { format: 'pt' }),
  })
}

/** Numbers that transformers takes with a decimal point alone, where they are whole. */
const WHOLE = /("(?:final_logit_softcapping|rms_norm_eps|layer_norm_epsilon|layer_norm_eps)": \d+)(?=[,\n])/g

/** Puts one of our arrays into theirs: one, several of which it is the stack, or a part of one. */
function writeArray(
  written: Map<string, NamedArray>,
  { theirs, layout, rows: part, plus = 0, factor = 1 }: ArrayMapping,
  { shape, data }: NamedArray,
  config: ResolvedModelConfig,
): void {
  const [ownRows, ...rest] = layout === 'same' ? shape : [...shape].reverse()
  const columns = rest[0] ?? 1
  const whole = toTheirs(data, columns, layout, config)
  const plain = plus === 0 && factor === 1 ? whole : whole.map((value) => value / factor - plus)
  let from = 0
  for (const [i, name] of theirs.entries()) {
    const count = theirs.length === 1 ? ownRows! : partRows(config)[i]!
    const rows = part?.of ?? count
    const array = written.get(name) ?? { shape: [rows, ...rest], data: new Float32Array(rows * columns) }
    array.data.set(plain.subarray(from * columns, (from + count) * columns), (part?.from ?? 0) * columns)
    written.set(name, array)
    from += count
  }
}

/** Rows of queries, keys and values where they are arrays of their own. */
const partRows = ({ headDim, numHeads, numKeyValueHeads }: ResolvedModelConfig) => {
  const shared = headDim * numKeyValueHeads
  return [headDim * numHeads, shared, shared]
}

// biome-ignore format: a table
const CHOICES = [
  'activation', 'gatedMlp', 'mlpDim', 'headDim', 'parallelResidual', 'numKeyValueHeads', 'clipQkv', 'norm', 'normPlacement',
  'qkNorm', 'projectionBias', 'causal', 'embeddingNorm', 'finalNorm', 'logitCap',
] as const

function checkArchitecture(config: ResolvedModelConfig, { name, architecture, free, also }: Family): void {
  const { vocabularySize, numLayers, modelDim, numHeads, adaptiveCutoffs } = config
  if (adaptiveCutoffs.length)
    throw new Error(
      `saveHuggingFace: expected one table of embeddings for ${name}, got adaptive input with cutoffs ${adaptiveCutoffs}; train a model without`,
    )
  const { headDim } = config
  const sizes = resolveConfig({ vocabularySize, numLayers, modelDim, numHeads, headDim, ...architecture })
  const want = { ...sizes, headDim: modelDim / numHeads }
  const others = (choice: keyof ModelConfig): readonly unknown[] => also?.[choice] ?? []
  const wrong = CHOICES.find(
    (choice) => !free.includes(choice) && config[choice] !== want[choice] && !others(choice).includes(config[choice]),
  )
  if (wrong)
    throw new Error(
      `saveHuggingFace: expected ${wrong} ${want[wrong]} for ${name}, got ${config[wrong]}; train a model with the architecture of ${name}`,
    )
}

/**
 * The same model with token embeddings scaled by √modelDim in its forward pass, or not: what differs goes into them, and a tied
 * head keeps those from before.
 */
function withEmbeddingScale(wanted: boolean, config: ResolvedModelConfig, arrays: ReadonlyMap<string, NamedArray>) {
  if (config.embeddingScale === wanted) return { config, arrays }
  const { shape, data } = arrays.get('embedding.weight')!
  const [rows, columns] = shape as readonly [number, number]
  const root = Math.fround(Math.sqrt(columns))
  const changed = data.map((value) => (wanted ? value / root : value * root))
  const plain = new Map(arrays).set('embedding.weight', { shape, data: changed })
  if (config.tiedHead)
    plain.set('head.weight', { shape: [columns, rows], data: toOurs(data, columns, 'transposed', config) })
  return { config: { ...config, embeddingScale: wanted, tiedHead: false }, arrays: plain }
}
