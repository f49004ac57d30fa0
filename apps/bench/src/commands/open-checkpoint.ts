import { loadCheckpoint, type Model, readCheckpointInfo } from '@alibi/transformer'
import { z } from 'zod'
import { restoreTokenizer, type Tokenizer } from '../data/tokenizer.js'
import { makeStrategy, type StrategyName, strategyNames } from '../strategies.js'

const metadataSchema = z.object({
  seed: z.number(),
  trainLength: z.number(),
  data: z.string(),
  vocabularySize: z.number(),
  tokenizer: z.unknown(),
})

export interface OpenedCheckpoint {
  readonly model: Model
  readonly tokenizer: Tokenizer
  readonly strategy: StrategyName
  /** Steps it was trained for. */
  readonly step: number
  readonly seed: number
  readonly trainLength: number
  readonly data: string
  readonly vocabularySize: number
}

/** @throws Error, one line, for a folder that is not a checkpoint the bench wrote */
export async function openCheckpoint(folder: string): Promise<OpenedCheckpoint> {
  const info = await readCheckpointInfo(folder)
  const metadata = metadataSchema.safeParse(info.metadata)
  if (!metadata.success || !strategyNames.includes(info.strategy as StrategyName))
    throw new Error(`checkpoint: expected one that the bench wrote, got another kind in ${folder}`)
  const strategy = info.strategy as StrategyName
  const { tokenizer, ...rest } = metadata.data
  const made = makeStrategy(strategy, { ...info.config, trainLength: rest.trainLength })
  const { trainer } = await loadCheckpoint(folder, made)
  trainer.dispose()
  return { ...rest, model: trainer.model, tokenizer: restoreTokenizer(tokenizer), strategy, step: info.step }
}
