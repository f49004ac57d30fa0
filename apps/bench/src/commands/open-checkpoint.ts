import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type FairseqStrategy, loadFairseq } from '@alibi/fairseq'
import { loadHuggingFace, readHuggingFaceInfo } from '@alibi/huggingface'
import { builtInStrategies, strategyNames } from '@alibi/strategies'
import type { Model } from '@alibi/transformer'
import { loadCheckpoint, readCheckpointInfo } from '@alibi/transformer/node'
import { Option } from 'commander'
import { z } from 'zod'
import { pluginSchema } from '../config/plugin.js'
import { variantSchema } from '../config/schema.js'
import { readFairseqWords } from '../data/tokenizer/fairseq.js'
import { type FirstToken, firstTokens } from '../data/tokenizer/first-token.js'
import { readTokenizer } from '../data/tokenizer/hugging-face.js'
import { restoreTokenizer, type Tokenizer } from '../data/tokenizer/tokenizer.js'
import { expectFolder, expectPlain, pathKind } from '../files/paths.js'
import { restoreStrategy } from '../plugins/admit.js'

const metadataSchema = z.object({
  seed: z.int().min(0),
  trainLength: z.int().min(1),
  data: z.string().min(1),
  randomPositions: z.int().min(1).optional(),
  architecture: z.string().optional(),
  firstToken: z.enum(firstTokens).default('none'),
  plugin: pluginSchema.optional(),
  variant: variantSchema.optional(),
  tokenizer: z.unknown(),
})

export interface OpenedCheckpoint {
  readonly model: Model
  readonly tokenizer: Tokenizer
  readonly strategy: string
  /** 0 for one from elsewhere, which does not say it. */
  readonly seed: number
  /** Absent for one from elsewhere that does not say it. */
  readonly trainLength: number | undefined
  /** The range that positions were drawn from in training, if they were. */
  readonly randomPositions?: number | undefined
  readonly data: string
  /** What is read before held-out text. */
  readonly firstToken: FirstToken
  /** The family of Hugging Face transformers that it is built like, or fairseq, if any. */
  readonly architecture?: string | undefined
}

/** What else says how a checkpoint is to be opened. */
export interface OpenOptions {
  /** Where its strategy is now; default: where it was in training. For fairseq: its name, if the file has none. */
  readonly strategy?: string | undefined
  /** For fairseq: where its words are. */
  readonly vocabulary?: string | undefined
}

export const pluginOption = () =>
  new Option(
    '--strategy <file|package>',
    'where the strategy of the checkpoint is now, if it is not built in and moved; of fairseq: alibi, sinusoidal or none',
  )

export const vocabularyOption = () =>
  new Option(
    '--vocabulary <name|file>',
    'of a fairseq checkpoint: its dict.txt, or the text it was trained on (default: dict.txt beside it)',
  )

/**
 * A checkpoint that the bench wrote, a folder of Hugging Face transformers, or a file of fairseq.
 *
 * @throws Error, one line, for a folder that is neither, or whose strategy or tokenizer cannot be loaded
 */
export async function openCheckpoint(
  folder: string,
  log: (line: string) => void,
  { strategy: at, vocabulary }: OpenOptions = {},
): Promise<OpenedCheckpoint> {
  if ((await pathKind('checkpoint', folder)) === 'file') return openFairseq(folder, log, { strategy: at, vocabulary })
  if (vocabulary !== undefined)
    throw new Error(`checkpoint: expected no --vocabulary for ${folder}, got ${vocabulary}; it has its words`)
  await expectFolder('checkpoint', folder, 'the folder of a checkpoint, or a file of fairseq')
  await expectPlain('checkpoint', folder)
  if (existsSync(join(folder, 'config.json'))) return openHuggingFace(folder, log, at)
  const ofRun = await readdir(join(folder, 'checkpoints')).catch((): string[] => [])
  if (ofRun.length)
    throw new Error(
      `checkpoint: expected one checkpoint, got the run ${folder}; take ${ofRun.map((name) => join(folder, 'checkpoints', name)).join(' or ')}`,
    )
  const info = await readCheckpointInfo(folder)
  const { strategy } = info
  const metadata = metadataSchema.safeParse(info.metadata)
  const { plugin: own, variant } = metadata.data ?? {}
  const variants = variant && { [strategy]: variant }
  if (!metadata.success || !(own || builtInStrategies.has(strategy, { variants })))
    throw new Error(`checkpoint: expected one that the bench wrote, got another kind in ${folder}`)
  const { tokenizer, plugin, variant: _, ...rest } = metadata.data
  if (metadata.data.seed !== info.seed)
    throw new Error(`checkpoint: expected seed ${info.seed} in metadata of ${folder}, got ${metadata.data.seed}`)
  if (at !== undefined && !plugin && at !== strategy)
    throw new Error(
      `checkpoint: expected no --strategy for ${folder}, got ${at}; it is of ${strategy}, which is built in`,
    )
  if (at !== undefined && plugin && strategyNames.includes(at))
    throw new Error(
      `checkpoint: expected --strategy of a file or package for ${folder}, got ${at}; it is of ${strategy}`,
    )
  if (!info.hashed) log(`checkpoint.json of ${folder} is of an older version, without a hash of itself`)
  const restored = restoreTokenizer(tokenizer)
  if (restored.vocabularySize !== info.config.vocabularySize)
    throw new Error(
      `checkpoint: expected a tokenizer of ${info.config.vocabularySize} tokens in ${folder}, as its model has, got one of ${restored.vocabularySize}`,
    )
  const model = { ...info.config, trainLength: rest.trainLength, variants }
  const registry = plugin
    ? await restoreStrategy(builtInStrategies, strategy, plugin, model, log, at)
    : builtInStrategies
  const { trainer } = await loadCheckpoint(folder, registry.make(strategy, model))
  trainer.dispose()
  return { ...rest, model: trainer.model, tokenizer: restored, strategy }
}

async function openHuggingFace(
  folder: string,
  log: (line: string) => void,
  at: string | undefined,
): Promise<OpenedCheckpoint> {
  if (at !== undefined)
    throw new Error(`checkpoint: expected no --strategy for ${folder}, got ${at}; its config.json says it`)
  // What cannot be computed is said before anything else of the folder is asked for.
  await readHuggingFaceInfo(folder)
  const tokenizer = await readTokenizer(folder)
  const { model, family, trainLength, notes } = await loadHuggingFace(folder)
  for (const note of notes) log(note)
  return {
    model,
    tokenizer,
    strategy: model.strategy.name,
    seed: 0,
    trainLength,
    data: 'typescript',
    firstToken: 'none',
    architecture: family,
  }
}

const fairseqStrategies: readonly FairseqStrategy[] = ['alibi', 'sinusoidal', 'none']

async function openFairseq(
  path: string,
  log: (line: string) => void,
  { strategy, vocabulary }: OpenOptions,
): Promise<OpenedCheckpoint> {
  const asked = fairseqStrategies.find((name) => name === strategy)
  if (strategy !== undefined && !asked)
    throw new Error(
      `checkpoint: expected --strategy ${fairseqStrategies.join(', ')} for a file of fairseq, got ${strategy}`,
    )
  const { model, trainLength, unread } = await loadFairseq(path, { strategy: asked })
  if (unread.length) log(`checkpoint: left unread in ${path}: ${unread.slice(0, 10).join(', ')}`)
  const tokenizer = await readFairseqWords(path, vocabulary, model.config.vocabularySize, { log })
  const name = model.strategy.name
  return {
    model,
    tokenizer,
    strategy: name,
    seed: 0,
    trainLength,
    data: 'wikitext-103',
    firstToken: 'eos',
    architecture: 'fairseq',
  }
}
