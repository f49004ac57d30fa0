import { loadCheckpoint, type Model, readCheckpointInfo } from '@alibi/transformer'
import { Option } from 'commander'
import { z } from 'zod'
import { restoreTokenizer, type Tokenizer } from '../data/tokenizer.js'
import { restoreStrategy } from '../plugins/admit.js'
import { pluginSchema } from '../plugins/plugin.js'
import { makeStrategy, strategyNames } from '../strategies.js'

const metadataSchema = z.object({
  seed: z.number(),
  trainLength: z.number(),
  data: z.string(),
  vocabularySize: z.number(),
  plugin: pluginSchema.optional(),
  tokenizer: z.unknown(),
})

export interface OpenedCheckpoint {
  readonly model: Model
  readonly tokenizer: Tokenizer
  readonly strategy: string
  /** Steps it was trained for. */
  readonly step: number
  readonly seed: number
  readonly trainLength: number
  readonly data: string
  readonly vocabularySize: number
}

export const pluginOption = () =>
  new Option(
    '--strategy <file|package>',
    'where the strategy of the checkpoint is now, if it is not built in and moved',
  )

/**
 * @param at - where its strategy is now; default: where it was in training
 * @throws Error, one line, for a folder that is not a checkpoint the bench wrote, or whose strategy cannot be loaded
 */
export async function openCheckpoint(
  folder: string,
  log: (line: string) => void,
  at: string | undefined,
): Promise<OpenedCheckpoint> {
  const info = await readCheckpointInfo(folder)
  const { strategy } = info
  const metadata = metadataSchema.safeParse(info.metadata)
  if (!metadata.success || !(metadata.data.plugin || strategyNames.includes(strategy)))
    throw new Error(`checkpoint: expected one that the bench wrote, got another kind in ${folder}`)
  const { tokenizer, plugin, ...rest } = metadata.data
  const model = { ...info.config, trainLength: rest.trainLength }
  if (plugin) await restoreStrategy(strategy, plugin, model, log, at)
  const { trainer } = await loadCheckpoint(folder, makeStrategy(strategy, model))
  trainer.dispose()
  return { ...rest, model: trainer.model, tokenizer: restoreTokenizer(tokenizer), strategy, step: info.step }
}
