import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { builtInStrategies, strategyNames } from '@alibi/strategies'
import { loadCheckpoint, readCheckpointInfo } from '@alibi/transformer/node'
import { z } from 'zod'
import { pluginSchema } from '../config/plugin.js'
import { variantSchema } from '../config/schema.js'
import { firstTokens } from '../data/tokenizer/first-token.js'
import { restoreTokenizer } from '../data/tokenizer/tokenizer.js'
import { restoreStrategy } from '../plugins/admit.js'
import type { OpenedCheckpoint } from './opened.js'

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
      `checkpoint: expected no --strategy for ${folder}, got ${at}; it is of ${strategy}, which is built in (--positions puts others in its place)`,
    )
  if (at !== undefined && plugin && strategyNames.includes(at))
    throw new Error(
      `checkpoint: expected --strategy of a file or package for ${folder}, got ${at}; it is of ${strategy} (--positions puts others in its place)`,
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
  return { ...rest, model: trainer.model, tokenizer: restored, strategy, kind: variant?.use ?? strategy }
}
