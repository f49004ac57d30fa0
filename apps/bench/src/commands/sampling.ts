// What generate and ask have in common: how a checkpoint is opened, how tokens are drawn, and where texts end.
import type { BackendName } from '@alibi/backend'
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { runConfigSchema } from '../config/schema.js'
import { backendOption, number, pluginOption, positionsOption, trainLengthOption, vocabularyOption } from './options.js'

/** How tokens are drawn, and where a text ends. */
export interface Sampling {
  readonly maxNewTokens: number
  readonly temperature: number
  readonly topK?: number
  readonly topP?: number
  readonly repetitionPenalty?: number
  readonly seed: number
  readonly stop?: readonly string[]
  readonly ignoreEos?: boolean
}

/** With the checkpoint that is asked, and what computes. */
export interface Continuation extends Sampling {
  readonly positions?: string
  readonly trainLength?: number
  readonly strategy?: string
  readonly vocabulary?: string
  readonly backend: BackendName | 'auto'
}

/** For an option that may be given again. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value]

const collectStop = (value: string, before?: readonly string[]): string[] => {
  if (!value) throw new InvalidArgumentError('expected a text that ends texts')
  return collect(value, before)
}

/** Adds their options to a command. */
export const withContinuation = (command: Command): Command =>
  command
    .option('--max-tokens, --max-new-tokens <n>', 'tokens to add, at most', number, 256)
    .option('--temperature <t>', 'divides the logits; 0 takes the most likely token', number, 0.8)
    .option('--top-k <k>', 'keep only the k most likely tokens', number)
    .option('--top-p <p>', 'keep the fewest tokens whose probabilities reach p', number)
    .option(
      '--repetition-penalty <p>',
      'above 1: tokens that the text has become less likely, as in transformers',
      number,
    )
    .option('--seed <n>', 'the same seed gives the same text', number, 0)
    .option('--stop <text>', 'end where this comes, which is left out; may be given again', collectStop)
    .option('--ignore-eos', 'do not end at the tokens that end a text')
    .addOption(positionsOption())
    .addOption(trainLengthOption())
    .addOption(pluginOption())
    .addOption(vocabularyOption())
    .addOption(backendOption())

/** Checks them before a model is read. */
export const samplingShape = {
  maxNewTokens: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  temperature: z.number().min(0),
  topK: z.int().min(1).optional(),
  topP: z.number().positive().max(1).optional(),
  repetitionPenalty: z.number().positive().optional(),
  seed: z.int(),
  trainLength: runConfigSchema.shape.trainLength.optional(),
}

/** Those that the model's `generate` takes. */
export const drawing = ({ maxNewTokens, temperature, topK, topP, repetitionPenalty, seed }: Sampling) => ({
  ...{ maxNewTokens, temperature, repetitionPenalty, seed },
  ...(topK !== undefined && { topK }),
  ...(topP !== undefined && { topP }),
})
