// The model that training goes on from.
import { resolve } from 'node:path'
import { huggingFaceFamilies } from '@alibi/huggingface/families'
import { type Model, replaceStrategy } from '@alibi/transformer'
import { type NamedArray, readCheckpointInfo, readOptimizerState } from '@alibi/transformer/node'
import { continuedTraining, type From } from '../config/from.js'
import { dropouts } from '../config/model.js'
import type { RunConfig, RunOptions } from '../config/schema.js'
import { without } from '../config/without.js'
import { sourceNamed } from '../data/sources.js'
import type { StoredTokenizer, Tokenizer } from '../data/tokenizer/tokenizer.js'
import { hashOfWeights } from './hash.js'
import { openCheckpoint } from './open.js'
import type { OpenedCheckpoint } from './opened.js'
import { writerAt } from './place.js'
import { loadPositions, type Positions, placePositions, positionArrays } from './positions.js'

/** What to go on from. */
export interface StartOptions {
  /** A folder of Hugging Face transformers, a checkpoint of the bench, or a file of fairseq. */
  readonly path: string
  /** In place of its positions. Default: they stay. */
  readonly positions?: string | undefined
  /** Where its own strategy is now; default: where it was in training. Of fairseq: its name, if the file has none. */
  readonly strategy?: string | undefined
  /** For fairseq: where its words are. Default: beside it. */
  readonly vocabulary?: string | undefined
  /** Whether the optimizer's state comes with the weights. Default: the optimizer starts anew. */
  readonly keepOptimizer?: boolean | undefined
}

/** A model to go on from. */
export interface Start {
  readonly tokenizer: StoredTokenizer
  /** The model that a run trains: to be taken once. */
  take(config: RunConfig, seed: number): Model
  /** The optimizer's state by name, where it is kept. */
  readonly optimizerState: ReadonlyMap<string, NamedArray> | undefined
}

/** A model to go on from, and what a run is to know of it. */
export interface OpenedStart {
  readonly start: Start
  readonly positions: Positions
  readonly from: From
  /** What the model decides, and how it is trained where nobody says otherwise. */
  readonly settings: RunOptions
}

/**
 * Opens the model that training goes on from.
 *
 * @param trainLength - of the training; default: the model's
 * @throws Error, one line, for what is no model of the bench, of transformers or of fairseq, or cannot have the positions
 */
export async function openStart(
  { path, positions: reference, strategy: at, vocabulary, keepOptimizer = false }: StartOptions,
  trainLength: number | undefined,
  log: (line: string) => void,
): Promise<OpenedStart> {
  await writerAt('train', path, 'a checkpoint of the bench, a folder of transformers or a file of fairseq for --from')
  const loaded = reference === undefined ? undefined : await loadPositions(reference)
  const opened = await openCheckpoint(path, log, { strategy: at, vocabulary })
  const { model, tokenizer, origin, kind } = opened
  const length = trainLength ?? opened.trainLength
  if (length === undefined) throw new Error(`train: expected --train-length, got none; ${path} does not say it`)
  if (!isStored(tokenizer))
    throw new Error(`train: expected --from with a tokenizer that checkpoints keep, got ${path}`)
  const own = { strategy: model.strategy, kind, origin, trainLength: opened.trainLength ?? length }
  const { numHeads, modelDim, headDim } = model.config
  const positions = loaded
    ? await placePositions(own, loaded, { numHeads, modelDim, headDim, trainLength: length }, log)
    : without(own, 'trainLength')
  const { keep, fresh } = positionArrays(model, positions.strategy, positions.kind === kind)
  const optimizer = keepOptimizer ? await optimizerOf(path, opened, loaded !== undefined) : undefined
  log(
    `goes on from ${path}, ${opened.strategy} trained at ${own.trainLength}${loaded ? `; positions ${positions.strategy.name} in its place` : ''}`,
  )
  if (fresh.length) log(`position parameters start anew: ${fresh.map(({ name }) => name).join(', ')}`)
  return {
    start: {
      tokenizer,
      optimizerState: optimizer?.state,
      take: (config, seed) => replaceStrategy(model, positions.strategy, { keep, seed, dropout: dropouts(config) }),
    },
    positions,
    from: {
      ...{
        path: resolve(path),
        sha256: await hashOfWeights(path),
        trainedWith: opened.strategy,
        origin: positions.origin,
      },
      ...(reference !== undefined && { positions: reference }),
      ...(vocabulary !== undefined && { vocabulary: sourceNamed(vocabulary) ? vocabulary : resolve(vocabulary) }),
      model: without(model.config, 'dropout', 'attentionDropout', 'activationDropout', 'tailDropout'),
      ...(optimizer && { optimizerSteps: optimizer.steps }),
    },
    settings: { ...modelSettings(opened, length), ...(await trainingSettings(path, opened)) },
  }
}

const isStored = (tokenizer: Tokenizer): tokenizer is StoredTokenizer => 'toJSON' in tokenizer

/** The state of a checkpoint's optimizer, and the updates that it has seen. */
async function optimizerOf(path: string, { writer }: OpenedCheckpoint, hasOthers: boolean) {
  if (writer !== 'bench')
    throw new Error(
      `train: expected a checkpoint of the bench for --keep-optimizer, got ${path}, whose optimizer is not read`,
    )
  if (hasOthers)
    throw new Error('train: expected --keep-optimizer without --positions, got both; its state is of other positions')
  const { step, optimizer } = await readCheckpointInfo(path)
  return { state: await readOptimizerState(path), steps: step + (optimizer.stepsBefore ?? 0) }
}

/** The settings that a model has decided. */
function modelSettings(
  { model: { config }, tokenizer, architecture, data, pack, firstToken, randomPositions }: OpenedCheckpoint,
  trainLength: number,
): RunOptions {
  const { activation, adaptiveCutoffs } = config
  const stored = (tokenizer as StoredTokenizer).toJSON()
  return {
    numLayers: config.numLayers,
    modelDim: config.modelDim,
    numHeads: config.numHeads,
    finalNorm: config.finalNorm,
    ...((activation === 'relu' || activation === 'gelu') && { activation }),
    ...(adaptiveCutoffs.length && { adaptiveCutoffs: [...adaptiveCutoffs], tailDropout: config.tailDropout }),
    ...(architecture !== undefined && huggingFaceFamilies.includes(architecture) && { architecture }),
    dropout: config.dropout,
    ...(config.attentionDropout !== config.dropout && { attentionDropout: config.attentionDropout }),
    activationDropout: config.activationDropout,
    tokenizer: 'prose' in stored && stored.prose ? 'prose' : stored.kind,
    ...((stored.kind === 'tokens' || 'dictionary' in stored) && { vocabularySize: config.vocabularySize }),
    ...{ trainLength, data },
    firstToken,
    ...(pack && { pack }),
    ...(randomPositions !== undefined && { randomPositions }),
  }
}

/** How position interpolation and YaRN train a large model on: at 2e-5. */
const LARGE_RATE = 2e-5

/** fairseq's names of optimizers that are here. */
const OPTIMIZERS: Readonly<Record<string, RunConfig['optimizer']>> = { nag: 'sgd-nesterov', adam: 'adamw' }

/** The optimizer that a model was trained with, which its rate belongs to; another one for a model that does not say it. */
async function trainingSettings(path: string, { writer, training }: OpenedCheckpoint): Promise<RunOptions> {
  if (writer === 'bench') {
    const { kind, learningRate, clipNorm } = (await readCheckpointInfo(path)).optimizer
    return { optimizer: kind, ...(clipNorm !== undefined && { clipNorm }), ...continuedTraining(learningRate) }
  }
  const { optimizer: name, learningRate, clipNorm } = training ?? {}
  const optimizer = name === undefined ? undefined : OPTIMIZERS[name]
  if (optimizer === undefined || learningRate === undefined)
    return { optimizer: 'adamw', ...continuedTraining(1), learningRate: LARGE_RATE }
  return { optimizer, ...(clipNorm && { clipNorm }), ...continuedTraining(learningRate) }
}
