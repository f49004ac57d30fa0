import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { strategyNames } from '@alibi/strategies'
import { loadCheckpoint, readCheckpointInfo } from '@alibi/transformer/node'
import { z } from 'zod'
import { type Origin, originSchema } from '../config/from.js'
import { pluginSchema } from '../config/plugin.js'
import { variantSchema } from '../config/variant.js'
import { firstTokens } from '../data/tokenizer/first-token.js'
import { restoreTokenizer } from '../data/tokenizer/restore.js'
import type { OpenedCheckpoint } from './opened.js'
import { hasPlugin, isKnown, makePositions } from './origin.js'

const metadataSchema = z.object({
  seed: z.int().min(0),
  trainLength: z.int().min(1),
  data: z.string().min(1),
  randomPositions: z.int().min(1).optional(),
  architecture: z.string().optional(),
  pack: z.boolean().optional(),
  firstToken: z.enum(firstTokens).default('none'),
  plugin: pluginSchema.optional(),
  variant: variantSchema.optional(),
  /** Of one that was trained on from another. */
  origin: originSchema.optional(),
  tokenizer: z.unknown(),
})

/**
 * A checkpoint that the bench wrote.
 *
 * @param at - where its strategy is now; absent: where it was in training
 * @throws Error, one line, for a folder of another kind, or whose strategy or tokenizer cannot be loaded
 */
export async function openBench(
  folder: string,
  log: (line: string) => void,
  at: string | undefined,
): Promise<OpenedCheckpoint> {
  const { info, metadata, tokenizer, origin, made } = await describeBench(folder, log, at)
  const { strategy } = info
  const { tokenizer: _stored, plugin, variant, origin: _, ...rest } = metadata
  const { trainer } = await loadCheckpoint(folder, made.strategy)
  trainer.dispose()
  return { ...rest, writer: 'bench', model: trainer.model, tokenizer, strategy, kind: made.kind, origin }
}

/**
 * The same before its weights are read.
 *
 * @throws Error, one line, for a folder of another kind, or whose strategy or tokenizer cannot be loaded
 */
export async function describeBench(folder: string, log: (line: string) => void, at: string | undefined) {
  const ofRun = await readdir(join(folder, 'checkpoints')).catch((): string[] => [])
  if (ofRun.length)
    throw new Error(
      `checkpoint: expected one checkpoint, got the run ${folder}; take ${ofRun.map((name) => join(folder, 'checkpoints', name)).join(' or ')}`,
    )
  // Of a checkpoint whose replacement was cut short, `<folder>.previous` is left.
  if (![folder, `${folder}.previous`].some((at) => existsSync(join(at, 'checkpoint.json'))))
    throw new Error(
      `checkpoint: expected checkpoint.json, as the bench writes it, or config.json, as Hugging Face transformers does, in ${folder}, got neither; look whether the path is right`,
    )
  const info = await readCheckpointInfo(folder)
  const { strategy } = info
  const metadata = metadataSchema.safeParse(info.metadata)
  const origin = metadata.data && originOf(strategy, metadata.data)
  if (!origin || !isKnown(origin))
    throw new Error(`checkpoint: expected one that the bench wrote, got another kind in ${folder}`)
  const { seed } = metadata.data!
  if (seed !== info.seed)
    throw new Error(`checkpoint: expected seed ${info.seed} in metadata of ${folder}, got ${seed}`)
  const ofPlugin = hasPlugin(origin)
  if (at !== undefined && !ofPlugin && at !== strategy)
    throw new Error(
      `checkpoint: expected no --strategy for ${folder}, got ${at}; it is of ${strategy}, which is built in (--positions puts others in its place)`,
    )
  if (at !== undefined && ofPlugin && strategyNames.includes(at))
    throw new Error(
      `checkpoint: expected --strategy of a file or package for ${folder}, got ${at}; it is of ${strategy} (--positions puts others in its place)`,
    )
  const tokenizer = restoreTokenizer(metadata.data!.tokenizer)
  // A folder of transformers may have rows that no token has, or tokens without a row.
  if (tokenizer.kind !== 'tokens' && tokenizer.vocabularySize !== info.config.vocabularySize)
    throw new Error(
      `checkpoint: expected a tokenizer of ${info.config.vocabularySize} tokens in ${folder}, as its model has, got one of ${tokenizer.vocabularySize}`,
    )
  if (!info.hashed) log(`checkpoint.json of ${folder} is of an older version, without a hash of itself`)
  const made = await makePositions(origin, { ...info.config, name: strategy }, log, at)
  return { info, metadata: metadata.data!, tokenizer, origin, made }
}

type Metadata = z.infer<typeof metadataSchema>

const originOf = (strategy: string, { trainLength, plugin, variant, origin }: Metadata): Origin =>
  origin ?? { strategy, trainLength, ...(plugin && { plugin }), ...(variant && { variant }) }
