import type { PositionStrategy } from '@alibi/core'
import { type Model, type ModelConfig, modelFromArrays, type ResolvedModelConfig } from '@alibi/transformer'
import type { SafetensorsFile } from '@alibi/transformer/node'
import { placeRows } from './layout.js'
import { type OpenedFolder, openFolder, type Source } from './open.js'

/** What a folder says of its model, read without its weights. */
export interface HuggingFaceInfo {
  /** `model_type` of config.json. */
  readonly family: string
  /** The strategy's name. */
  readonly strategy: string
  /** The strategy: where its tokens are. */
  readonly positions: PositionStrategy
  /** The model's sizes and choices. */
  readonly config: ModelConfig
  /** Tokens of the sequences it was trained on, as far as config.json says; absent if it does not. */
  readonly trainLength: number | undefined
  /** What a reader of its numbers should know, a line each: arrays that nothing reads, fields of which one does not count. */
  readonly notes: readonly string[]
  /** How many numbers the weights have of each type, e.g. `{ BF16: 1_100_048_384 }`. */
  readonly stored: Readonly<Record<string, number>>
}

/** What {@link loadHuggingFace} read. */
export interface LoadedHuggingFace extends Omit<HuggingFaceInfo, 'config' | 'strategy' | 'positions' | 'stored'> {
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
  return {
    ...{ family: family.name, strategy: strategy.name, positions: strategy, config, trainLength, notes },
    stored: storedNumbers(file),
  }
}

function storedNumbers({ shapes, dtypes }: SafetensorsFile): Record<string, number> {
  const stored: Record<string, number> = {}
  for (const [name, shape] of shapes) {
    const dtype = dtypes.get(name)!
    stored[dtype] = (stored[dtype] ?? 0) + shape.reduce((a, b) => a * b, 1)
  }
  return stored
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
  if (await isSame(file, bothEnds.embedding, bothEnds.head)) return undefined
  return { ours: 'head.weight', theirs: [bothEnds.head], layout: 'transposed', shape: [columns, rows] }
}

/** Whether two arrays of one shape have the same numbers. */
async function isSame(file: SafetensorsFile, name: string, other: string): Promise<boolean> {
  const first = await file.read(name)
  let at = 0
  for await (const piece of file.pieces(other)) {
    const from = at
    if (!piece.every((value, i) => value === first[from + i])) return false
    at += piece.length
  }
  return true
}

/** The arrays of a source, stacked and in our layout. They are read some rows at a time: ours alone is in memory. */
async function readArray(file: SafetensorsFile, source: Source, config: ResolvedModelConfig): Promise<Float32Array> {
  const { theirs, layout, shape, rows: part, plus = 0, factor = 1 } = source
  const columns = (theirs.length ? file.shapes.get(theirs[0]!)![1] : undefined) ?? 1
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1))
  const from = part?.from ?? 0
  const to = from + out.length / columns
  let row = 0
  for (const name of theirs)
    for await (const piece of file.pieces(name, columns)) {
      const end = row + piece.length / columns
      const [first, last] = [Math.max(row, from), Math.min(end, to)]
      const own = piece.subarray((first - row) * columns, (last - row) * columns)
      if (first < last) placeRows(out, own, first - from, columns, layout, config)
      row = end
    }
  if (plus !== 0 || factor !== 1) for (let i = 0; i < out.length; i++) out[i] = factor * Math.fround(out[i]! + plus)
  return out
}
