// What a model is, from its description and the headers of its weights.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { layerStrategy, none, type PositionStrategy } from '@alibi/core'
import { readFairseqInfo } from '@alibi/fairseq'
import { inspectHuggingFace } from '@alibi/huggingface'
import { countParameters, type ModelConfig, type ResolvedModelConfig, resolveConfig } from '@alibi/transformer'
import { readTokenizer } from '../data/tokenizer/hugging-face.js'
import { pathKind } from '../files/paths.js'
import { describeBench } from './bench.js'
import { type DescribedLayers, describePositions } from './described-positions.js'
import { fairseqStrategyOf } from './fairseq.js'
import { weightFiles } from './hash.js'
import { refuseStrategyOf } from './hugging-face.js'
import { writerAt } from './place.js'

/** A model that was not loaded. */
export interface InspectedModel {
  readonly path: string
  /** Who wrote it. */
  readonly writer: 'bench' | 'transformers' | 'fairseq'
  /** `model_type`, fairseq, or the architecture of a checkpoint of the bench where that is another's. */
  readonly family: string | undefined
  /** Bytes of its weights on the disk. */
  readonly bytesOnDisk: number
  /** What loading a folder of transformers refuses, one line each. */
  readonly refused: readonly string[]
  /** What a reader of its numbers should know. */
  readonly notes: readonly string[]
  /** Undefined where its description or the headers of its weights are refused: nothing is known of its sizes then. */
  readonly model: ModelFacts | undefined
}

/** What its description says. */
export interface ModelFacts {
  readonly sizes: Pick<ResolvedModelConfig, (typeof SIZES)[number]>
  /** Undefined where nobody says it: a file of fairseq. */
  readonly strategy: string | undefined
  readonly positions: readonly DescribedLayers[] | undefined
  readonly trainLength: number | undefined
  readonly parameters: number
  /** Numbers of the weights, by type. */
  readonly stored: Readonly<Record<string, number>>
  /** Bytes of its parameters in memory, as float32. */
  readonly bytesInMemory: number
  /** Bytes that each token of a text takes in a cache. */
  readonly cacheBytesPerToken: number
}

// biome-ignore format: a table
const SIZES = [
  'numLayers', 'modelDim', 'mlpDim', 'activation', 'gatedMlp', 'numHeads', 'headDim', 'numKeyValueHeads', 'vocabularySize', 'tiedHead',
] as const

const BYTES = Float32Array.BYTES_PER_ELEMENT

/** The names of a run's checkpoints, if that is what a folder is. */
export async function checkpointsOfRun(path: string): Promise<readonly string[]> {
  if ((await pathKind('inspect', path)) !== 'folder') return []
  return (await readdir(join(path, 'checkpoints')).catch((): string[] => [])).sort()
}

/**
 * Reads what is said of a model: its description, and the headers of its weights.
 *
 * @param at - as `openCheckpoint` takes `strategy`
 * @throws Error, one line, for what is no model, and a checkpoint or a file of fairseq that is refused
 */
export async function inspectModel(path: string, log: (line: string) => void, at?: string): Promise<InspectedModel> {
  const writer = await writerAt('inspect', path, 'a folder with a model, a run, or a file of fairseq')
  if (writer === 'fairseq') return inspectFairseq(path, at)
  if (writer === 'transformers') refuseStrategyOf(path, at)
  const bytesOnDisk = await bytesOf((await weightFiles(path)).map((name) => join(path, name)))
  const made = writer === 'transformers' ? await inspectFolder(path) : await inspectBench(path, log, at)
  return { path, bytesOnDisk, ...made }
}

type Inspected = Omit<InspectedModel, 'path' | 'bytesOnDisk'>

async function inspectFolder(folder: string): Promise<Inspected> {
  const inspected = await inspectHuggingFace(folder)
  const { info } = inspected
  const refused = [...inspected.refused, ...(await tokenizerRefusal(folder))]
  const writer = 'transformers'
  if (!info) return { writer, family: await familyOf(folder), refused, notes: [], model: undefined }
  return {
    writer,
    family: info.family,
    refused,
    notes: info.notes,
    model: factsOf({ ...info, strategy: info.positions }),
  }
}

/** Why its words cannot be read, without which no command uses the model; none where they can. */
const tokenizerRefusal = (folder: string): Promise<readonly string[]> =>
  readTokenizer(folder).then(
    () => [],
    (error: Error) => [error.message],
  )

/** As far as config.json can be read. */
async function familyOf(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'config.json'), 'utf8')
  try {
    return JSON.parse(text)?.model_type
  } catch {
    return undefined
  }
}

async function inspectBench(folder: string, log: (line: string) => void, at: string | undefined): Promise<Inspected> {
  const { info, metadata, made } = await describeBench(folder, log, at)
  const numbers = [...info.shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0)
  const { trainLength, architecture } = metadata
  const model = factsOf({ ...info, strategy: made.strategy, trainLength, stored: { F32: numbers } })
  return { writer: 'bench', family: architecture, refused: [], notes: [], model }
}

async function inspectFairseq(path: string, at: string | undefined): Promise<InspectedModel> {
  const info = await readFairseqInfo(path, { strategy: fairseqStrategyOf(at) })
  const bytesOnDisk = await bytesOf([path])
  return {
    path,
    writer: 'fairseq',
    family: 'fairseq',
    bytesOnDisk,
    refused: [],
    notes: [],
    model: factsOf({ ...info, strategy: info.positions }),
  }
}

interface Described {
  readonly config: ModelConfig
  readonly strategy: PositionStrategy | undefined
  readonly trainLength: number | undefined
  readonly stored: Readonly<Record<string, number>>
}

/** What follows from a description. */
export function factsOf({ config: given, strategy, trainLength, stored }: Described): ModelFacts {
  const config = resolveConfig(given)
  const { numLayers, numHeads, numKeyValueHeads, headDim } = config
  // None of fairseq's strategies, of which one may be unknown, has parameters.
  const parameters = countParameters(config, strategy ?? none())
  const gated = Array.from({ length: numLayers }, (_, layer) => strategy && layerStrategy(strategy, layer).gate)
  const keptNumbers = 2 * numKeyValueHeads * headDim * numLayers + numHeads * gated.filter(Boolean).length
  return {
    sizes: Object.fromEntries(SIZES.map((name) => [name, config[name]])) as unknown as ModelFacts['sizes'],
    strategy: strategy?.name,
    positions: strategy && describePositions(strategy, numLayers, headDim),
    trainLength,
    parameters,
    stored,
    bytesInMemory: BYTES * parameters,
    cacheBytesPerToken: BYTES * keptNumbers,
  }
}

async function bytesOf(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
