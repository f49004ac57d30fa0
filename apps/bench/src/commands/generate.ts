import { type BackendName, selectBackend } from '@alibi/backend'
import { validate } from '@alibi/results'
import { generate } from '@alibi/transformer'
import { Command } from 'commander'
import { z } from 'zod'
import { openCheckpoint } from '../checkpoints/open.js'
import { runConfigSchema } from '../config/schema.js'
import { without } from '../config/without.js'
import { createTextStream } from '../data/tokenizer/text-stream.js'
import { createProgress } from '../terminal/board.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { backendOption, number, pluginOption, positionsOption, trainLengthOption, vocabularyOption } from './options.js'

export function generateCommand(): Command {
  return new Command('generate')
    .description('Continue a prompt with a checkpoint; the text streams to stdout.')
    .argument(
      '<checkpoint>',
      'e.g. runs/…/checkpoints/alibi-seed1, a folder of Hugging Face transformers, or a file of fairseq',
    )
    .option('--prompt <text>', 'what to continue', 'function ')
    .option('--max-new-tokens <n>', 'tokens to add', number, 256)
    .option('--temperature <t>', 'divides the logits; 0 takes the most likely token', number, 0.8)
    .option('--top-k <k>', 'keep only the k most likely tokens', number)
    .option('--top-p <p>', 'keep the fewest tokens whose probabilities reach p', number)
    .option('--seed <n>', 'the same seed gives the same text', number, 0)
    .addOption(positionsOption())
    .addOption(trainLengthOption())
    .addOption(pluginOption())
    .addOption(vocabularyOption())
    .addOption(backendOption())
    .action(run)
}

interface Options {
  readonly prompt: string
  readonly maxNewTokens: number
  readonly temperature: number
  readonly topK?: number
  readonly topP?: number
  readonly seed: number
  readonly positions?: string
  readonly trainLength?: number
  readonly strategy?: string
  readonly vocabulary?: string
  readonly backend: BackendName | 'auto'
}

/** Before a model is read. */
const samplingSchema = z.object({
  maxNewTokens: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  temperature: z.number().min(0),
  topK: z.int().min(1).optional(),
  topP: z.number().positive().max(1).optional(),
  seed: z.int(),
  trainLength: runConfigSchema.shape.trainLength.optional(),
})

async function run(folder: string, { prompt, backend, ...options }: Options): Promise<void> {
  validate(samplingSchema, options, 'generate')
  const signal = interruptSignal()
  await selectBackend(backend)
  const { model, tokenizer } = await openCheckpoint(folder, console.error, options)
  const tokens = tokenizer.encodePrompt(prompt)
  const stream = createTextStream(tokenizer, tokens)
  process.stdout.write(prompt)
  const progress = createProgress()
  progress.start('prompt', `${tokens.length.toLocaleString('en-US')} ${tokenizer.kind}`, Math.max(1, tokens.length - 1))
  try {
    await generate(model, tokens, {
      ...without(options, 'positions', 'trainLength', 'strategy', 'vocabulary'),
      signal,
      // A prompt that is read at once has no progress to show.
      onPrefill(done, total) {
        if (done < total) progress.update(done, [])
        else progress.stop()
      },
      onToken: (token) => process.stdout.write(stream.push(token)),
    })
  } finally {
    progress.stop()
    process.stdout.write(`${stream.end()}\n`)
  }
}
