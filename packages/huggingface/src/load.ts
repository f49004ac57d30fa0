import { type Model, type ModelConfig, modelFromArrays, type ResolvedModelConfig } from '@alibi/transformer'
import type { SafetensorsFile } from '@alibi/transformer/node'
import { toOurs } from './layout.js'
import { type OpenedFolder, openFolder, type Source } from './open.js'

/** What a folder says of its model, read without its weights. */
export interface HuggingFaceInfo {
  /** `model_type` of config.json. */
  readonly family: string
  /** The strategy's name. */
  readonly strategy: string
  /** The model's sizes and choices. */
  readonly config: ModelConfig
  /** Tokens of the sequences it was trained on, as far as config.json says; absent if it does not. */
  readonly trainLength: number | undefined
  /** What a reader of its numbers should know, a line each: arrays that nothing reads, fields of which one does not count. */
  readonly notes: readonly string[]
}

/** What {@link loadHuggingFace} read. */
export interface LoadedHuggingFace extends Omit<HuggingFaceInfo, 'config' | 'strategy'> {
  /** The model, with its strategy and weights. */
  readonly model: Model
}

/**
 * What {@link loadHuggingFace} would read: config.json is checked, and every shape against the headers of the weights.
 *
 * @throws Error, one line, for a folder of another kind, another family or a variant that is not supported
 */
export async function readHuggingFaceInfo(folder: string): Promise<HuggingFaceInfo> {
  const { family, strategy, config, trainLength, notes, file } = await openFolder(folder)
  await file.close()
  return { family: family.name, strategy: strategy.name, config, trainLength, notes }
}

/**
 * A model from a folder with `config.json` and `model.safetensors` (or its shards), as Hugging Face transformers saves
 * models of {@link huggingFaceFamilies}: float32 here, whatever the weights are stored in. Arrays are allocated after all
 * shapes were found to be right.
 *
 * @throws Error, one line, for a folder of another kind, another family or a variant that is not supported
 */
export async function loadHuggingFace(folder: string): Promise<LoadedHuggingFace> {
  const opened = await openFolder(folder)
  const { family, strategy, trainLength, file, notes } = opened
  try {
    const ownHead = await headOfItsOwn(opened)
    const config = { ...opened.config, tiedHead: opened.config.tiedHead && !ownHead }
    const sources = ownHead ? new Map([...opened.sources, ['head.weight', ownHead]]) : opened.sources
    const model = await modelFromArrays(config, strategy, (name) => readArray(file, sources.get(name)!, config))
    const note =
      'config.json ties the head to the embedding, and the file has a head of other values: that one is used, as in transformers'
    return { model, family: family.name, trainLength, notes: ownHead ? [...notes, note] : notes }
  } finally {
    await file.close()
  }
}

/** Where the head is, if config.json ties it and the file has another: transformers 5 keeps it (`tie_weights`). */
async function headOfItsOwn({ bothEnds, file, sources }: OpenedFolder): Promise<Source | undefined> {
  if (!bothEnds) return undefined
  const [rows, columns] = sources.get('embedding.weight')!.shape as readonly [number, number]
  if (`${file.shapes.get(bothEnds.head)}` !== `${[rows, columns]}`)
    throw new Error(
      `loadHuggingFace: expected ${bothEnds.head} of shape [${rows},${columns}], got [${file.shapes.get(bothEnds.head)}]; config.json is of another model`,
    )
  const embedding = await file.read(bothEnds.embedding)
  const head = await file.read(bothEnds.head)
  if (head.every((value, i) => value === embedding[i])) return undefined
  return { ours: 'head.weight', theirs: [bothEnds.head], layout: 'transposed', shape: [columns, rows] }
}

/** The arrays of a source, stacked and in our layout. */
async function readArray(file: SafetensorsFile, source: Source, config: ResolvedModelConfig): Promise<Float32Array> {
  const { theirs, layout, shape, rows, plus = 0, factor = 1 } = source
  const columns = (theirs.length ? file.shapes.get(theirs[0]!)![1] : undefined) ?? 1
  const size = shape.reduce((a, b) => a * b, 1)
  const data = await stacked(file, theirs, rows ? rows.of * columns : size)
  const own = rows ? data.subarray(rows.from * columns, rows.from * columns + size) : data
  if (plus !== 0 || factor !== 1) for (let i = 0; i < size; i++) own[i] = factor * Math.fround(own[i]! + plus)
  return toOurs(own, columns, layout, config)
}

/** One array as it is; several one after the other; none as zeros. */
async function stacked(file: SafetensorsFile, names: readonly string[], size: number): Promise<Float32Array> {
  if (names.length === 1) return file.read(names[0]!)
  const all = new Float32Array(size)
  let at = 0
  for (const name of names) {
    const part = await file.read(name)
    all.set(part, at)
    at += part.length
  }
  return all
}
