import { type BackendName, selectBackend } from '@alibi/backend'
import { lineText, makeReading, modelSize, validate } from '@alibi/results'
import { Command, Option } from 'commander'
import { z } from 'zod'
import { runConfigSchema } from '../config/schema.js'
import { checkLengths } from '../data/corpus.js'
import { readSource } from '../data/sources.js'
import { evaluateModel } from '../experiment/evaluate.js'
import { createProgress } from '../terminal/board.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { openCheckpoint, pluginOption } from './open-checkpoint.js'
import { backendOption, cellsOptions, number } from './options.js'

export function evalCommand(): Command {
  const [, evalLengths, evalTokens] = cellsOptions()
  return new Command('eval')
    .description('Evaluate a checkpoint on held-out text; prints one line of JSON a length.')
    .argument('<checkpoint>', 'e.g. runs/…/checkpoints/alibi-seed1, or a folder of Hugging Face transformers')
    .addOption(evalLengths!.default(undefined, 'its train length'))
    .addOption(evalTokens!.default(65_536))
    .addOption(
      new Option('--protocol <name>', 'how the text is cut')
        .choices(['nonoverlapping', 'sliding', 'streaming'])
        .default('nonoverlapping'),
    )
    .option('--stride <tokens>', 'that a sliding or streaming window advances by (default: half)', number)
    .option('--attention-window <keys>', 'limit each query to the last so many keys (default: all)', number)
    .option('--by-position', 'also print the loss by place in the sequence, as a second line')
    .option('--data <name|file|folder>', 'text: its held-out part (default: what it was trained on; typescript)')
    .option('--train-length <tokens>', 'for a checkpoint from elsewhere that does not say it', number)
    .addOption(pluginOption())
    .addOption(backendOption())
    .action(evaluate)
}

interface Options {
  readonly evalLengths?: number[]
  readonly evalTokens: number
  readonly protocol: 'nonoverlapping' | 'sliding' | 'streaming'
  readonly stride?: number
  readonly attentionWindow?: number
  readonly byPosition?: boolean
  readonly data?: string
  readonly trainLength?: number
  readonly strategy?: string
  readonly backend: BackendName | 'auto'
}

/** As a run has them. */
const numbersSchema = z
  .object(runConfigSchema.shape)
  .pick({ evalLengths: true, evalTokens: true, stride: true, trainLength: true })
  .partial()

async function evaluate(folder: string, options: Options): Promise<void> {
  const { evalTokens: maxTokens, protocol, stride, attentionWindow } = options
  if (stride !== undefined && protocol === 'nonoverlapping')
    throw new Error('eval: expected --stride with --protocol sliding or streaming, got it with nonoverlapping')
  validate(numbersSchema, options, 'eval')
  const signal = interruptSignal()
  const progress = createProgress()
  const backend = await selectBackend(options.backend)
  const checkpoint = await openCheckpoint(folder, progress.line, options.strategy)
  const { model, tokenizer, strategy, seed, randomPositions, data } = checkpoint
  const trainLength = checkpoint.trainLength ?? options.trainLength
  if (trainLength === undefined)
    throw new Error(`eval: expected --train-length, got none; config.json of ${folder} does not say it`)
  progress.line(`backend ${backend.name} on ${backend.device}; ${strategy}, train length ${trainLength}`)
  const { valid, description } = await readSource(options.data ?? data, { trainLength, log: progress.line, signal })
  progress.line(`text ${description}`)
  const held = tokenizer.locate(valid)
  const lengths = options.evalLengths ?? [trainLength]
  checkLengths({ train: held.tokens, valid: held, tokenizer }, 1, lengths)
  const cell = { strategy, trainLength, seed, size: modelSize(model.config, checkpoint.architecture) }
  try {
    for (const evalLength of lengths) {
      const reading = makeReading(evalLength, protocol, stride, attentionWindow)
      const request = { cell, reading, maxTokens, randomPositions }
      const { whole, positions } = await evaluateModel(model, held, request, { progress, signal })
      progress.stop()
      console.log(lineText(whole))
      if (options.byPosition) console.log(lineText(positions))
    }
  } finally {
    progress.stop()
  }
}
