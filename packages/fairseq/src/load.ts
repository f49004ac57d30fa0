import { basename } from 'node:path'
import { alibi } from '@alibi/alibi'
import { none, type PositionStrategy } from '@alibi/core'
import { sinusoidal } from '@alibi/sinusoidal'
import {
  arraysOf,
  describe,
  openTorch,
  type PickleValue,
  quoted,
  type TorchArrays,
  type TorchFile,
} from '@alibi/torch-checkpoint'
import {
  type Model,
  modelFromArrays,
  parameterShapes,
  type ResolvedModelConfig,
  resolveConfig,
} from '@alibi/transformer'
import { type ArrayMapping, arrayMappings, BUFFERS, tableName, tiedCopies, transpose } from './arrays.js'
import { type FairseqStrategy, readConfig, saysStrategy, strategyOf } from './config.js'
import { modelFields } from './fields.js'
import { type FairseqTraining, trainingOf } from './training.js'

/** What {@link loadFairseq} takes besides a path. */
export interface LoadFairseqOptions {
  /** For a file that does not say it: ALiBi, fairseq's sinusoids or no positions. Default: what the file says. */
  readonly strategy?: FairseqStrategy | undefined
}

/** What {@link loadFairseq} read. */
export interface LoadedFairseq {
  /** The model, with its strategy and weights. */
  readonly model: Model
  /** Tokens of the sequences it was trained on. */
  readonly trainLength: number
  /** How it was trained, as far as the file says it. */
  readonly training: FairseqTraining
  /** Classes and functions that the file names besides arrays; nothing of them was read or ran. */
  readonly unread: readonly string[]
}

/** What a file says of its model, without its weights. */
export interface FairseqInfo {
  /** Sizes and choices. */
  readonly config: ResolvedModelConfig
  /** Tokens of the sequences it was trained on. */
  readonly trainLength: number
  /** Where its tokens are; undefined where neither the file nor the options say it. */
  readonly positions: PositionStrategy | undefined
  /** How many numbers the model's arrays have of each type, e.g. `{ float16: 247_000_000 }`. */
  readonly stored: Readonly<Record<string, number>>
}

/**
 * What a checkpoint of fairseq says of its model; no weights are read.
 *
 * @throws Error, one line, as {@link loadFairseq}
 */
export async function readFairseqInfo(path: string, options: LoadFairseqOptions = {}): Promise<FairseqInfo> {
  const file = await openTorch(path)
  const where = `readFairseqInfo ${basename(path)}`
  try {
    const { config, found, arrays } = describeModel(file, where)
    const isSaid = options.strategy !== undefined || saysStrategy(found)
    const positions = isSaid ? makeStrategy(strategyOf(found, options.strategy, where), config) : undefined
    const stored: Record<string, number> = {}
    for (const [name, shape] of arrays.shapes) {
      const dtype = arrays.dtypes.get(name)!
      stored[dtype] = (stored[dtype] ?? 0) + shape.reduce((a, b) => a * b, 1)
    }
    return { config, trainLength: found.fields.count('tokens_per_sample'), positions, stored }
  } finally {
    await file.close()
  }
}

function describeModel(file: TorchFile, where: string) {
  const checkpoint = file.value
  const weights = checkpoint instanceof Map ? checkpoint.get('model') : undefined
  if (!(checkpoint instanceof Map) || !(weights instanceof Map))
    throw new Error(`${where}: expected a checkpoint of fairseq with a model, got ${describe(checkpoint)}`)
  const arrays = arraysOf(file, weights)
  const found = modelFields(checkpoint, where)
  const config = resolveConfig(readConfig(found.fields, () => vocabularySizeOf(arrays, where)))
  const mappings = arrayMappings(config)
  checkNames(weights, mappings, config, where)
  // None of the strategies has parameters.
  for (const [name, shape] of parameterShapes(config, none()))
    checkShape(arrays, name, mappings.get(name)!, shape, where)
  return { checkpoint, weights, arrays, found, config, mappings }
}

/**
 * A language model of fairseq with adaptive input and softmax, such as the ALiBi paper's: a file of its trainer, of newer
 * (`cfg`) or older (`args`) versions, float32 or float16. It is read without torch, and computes in float32.
 *
 * @throws Error, one line, for a file of another kind, or a variant that is not computed exactly, by the field's name
 */
export async function loadFairseq(path: string, options: LoadFairseqOptions = {}): Promise<LoadedFairseq> {
  const where = `loadFairseq ${basename(path)}`
  const file = await openTorch(path)
  try {
    const { checkpoint, weights, arrays, found, config, mappings } = describeModel(file, where)
    const trainLength = found.fields.count('tokens_per_sample')
    const strategy = makeStrategy(strategyOf(found, options.strategy, where), config)
    const model = await modelFromArrays(config, strategy, (name, shape) =>
      readArray(arrays, mappings.get(name)!, shape),
    )
    try {
      await checkCopies(arrays, weights, config, where)
    } catch (error) {
      model.dispose()
      throw error
    }
    return { model, trainLength, training: trainingOf(checkpoint), unread: file.unread }
  } finally {
    await file.close()
  }
}

export function makeStrategy(name: FairseqStrategy, { modelDim, numHeads }: ResolvedModelConfig): PositionStrategy {
  if (name === 'alibi') return alibi({ numHeads })
  return name === 'sinusoidal' ? sinusoidal({ modelDim, layout: 'fairseq' }) : none()
}

/** Rows of the tables of all bands: the word list is not in the file. */
function vocabularySizeOf({ shapes }: TorchArrays, where: string): number {
  let rows = 0
  for (let band = 0; shapes.has(tableName(band)); band++) rows += shapes.get(tableName(band))![0] ?? 0
  if (!rows) throw new Error(`${where}: expected ${tableName(0)}, a table of adaptive_input, got none`)
  return rows
}

/** Refuses arrays that the model would not use. */
function checkNames(
  weights: ReadonlyMap<PickleValue, PickleValue>,
  mappings: ReadonlyMap<string, ArrayMapping>,
  config: ResolvedModelConfig,
  where: string,
): void {
  const known = new Set([...[...mappings.values()].flatMap(({ theirs }) => theirs), ...tiedCopies(config).keys()])
  for (const name of weights.keys())
    if (typeof name !== 'string' || !(known.has(name) || BUFFERS.has(name)))
      throw new Error(
        `${where}: expected the arrays of cfg.model, got ${typeof name === 'string' ? quoted(name) : describe(name)} too`,
      )
}

/** Refuses arrays that are not there, or of other shapes than the options make. */
function checkShape(
  arrays: TorchArrays,
  ours: string,
  { theirs, transposed }: ArrayMapping,
  shape: readonly number[],
  where: string,
): void {
  const shapes = theirs.map((name) => {
    const found = arrays.shapes.get(name)
    if (!found) throw new Error(`${where}: expected an array ${name} (for ${ours}), got none`)
    return found
  })
  const stacked = [shapes.reduce((sum, [first]) => sum + (first ?? 0), 0), ...shapes[0]!.slice(1)]
  const agree = shapes.every((each) => `${each.slice(1)}` === `${stacked.slice(1)}`)
  const got = transposed ? [...stacked].reverse() : stacked
  if (!agree || `${got}` !== `${shape}`)
    throw new Error(
      `${where}: expected ${theirs.join(' + ')} to make [${transposed ? [...shape].reverse() : shape}], got ${shapes.map((each) => `[${each}]`).join(' + ')}; the model's options are of another`,
    )
}

async function readArray(
  arrays: TorchArrays,
  { theirs, transposed }: ArrayMapping,
  shape: readonly number[],
): Promise<Float32Array> {
  if (theirs.length === 1 && !transposed) return arrays.read(theirs[0]!)
  const whole = new Float32Array(shape.reduce((a, b) => a * b, 1))
  let at = 0
  for (const name of theirs) {
    const part = await arrays.read(name)
    whole.set(part, at)
    at += part.length
  }
  return transposed ? transpose(whole, shape[1]!) : whole
}

/** Refuses copies that say otherwise than what they are tied to: the same bits, whether they share a storage or not. */
async function checkCopies(
  arrays: TorchArrays,
  weights: ReadonlyMap<PickleValue, PickleValue>,
  config: ResolvedModelConfig,
  where: string,
): Promise<void> {
  for (const [copy, original] of tiedCopies(config)) {
    if (!weights.has(copy)) throw new Error(`${where}: expected an array ${copy}, got none`)
    if (arrays.isSame(copy, original)) continue
    const [a, b] = [await arrays.read(copy), await arrays.read(original)]
    const [bits, others] = [a, b].map((each) => new Uint32Array(each.buffer, each.byteOffset, each.length))
    if (`${arrays.shapes.get(copy)}` !== `${arrays.shapes.get(original)}` || bits!.some((x, i) => x !== others![i]))
      throw new Error(
        `${where}: expected ${copy} to be ${original}, got other numbers; tie_adaptive_weights or tie_adaptive_proj is not what was trained`,
      )
  }
}
