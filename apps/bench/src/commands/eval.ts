import { type BackendName, selectBackend } from '@alibi/backend'
import { type EvalLine, lineText, makeReading, modelSize, validate } from '@alibi/results'
import type { Model } from '@alibi/transformer'
import { Command, Option } from 'commander'
import { z } from 'zod'
import { openCheckpoint } from '../checkpoints/open.js'
import { runConfigSchema } from '../config/schema.js'
import { checkLengths } from '../data/corpus.js'
import { readWhole } from '../data/files.js'
import { readSource, type SourceOptions, sourceNamed } from '../data/sources.js'
import type { SplitText } from '../data/split-text.js'
import { type FirstToken, firstTokens, withFirst } from '../data/tokenizer/first-token.js'
import { evaluateModel } from '../experiment/evaluate.js'
import { createProgress } from '../terminal/board.js'
import { interruptSignal } from '../terminal/interrupt.js'
import {
  backendOption,
  cellsOptions,
  number,
  pluginOption,
  positionsOption,
  trainLengthOption,
  vocabularyOption,
} from './options.js'

export function evalCommand(): Command {
  const [, evalLengths, evalTokens] = cellsOptions()
  return new Command('eval')
    .description('Evaluate a checkpoint on held-out text; prints one line of JSON a length.')
    .argument(
      '<checkpoint>',
      'e.g. runs/…/checkpoints/alibi-seed1, a folder of Hugging Face transformers, or a file of fairseq',
    )
    .addOption(evalLengths!.default(undefined, 'its train length'))
    .addOption(evalTokens!.default(undefined, '65,536, with --whole all'))
    .addOption(
      new Option('--protocol <name>', 'how the text is cut')
        .choices(['nonoverlapping', 'sliding', 'streaming'])
        .default('nonoverlapping'),
    )
    .option('--stride <tokens>', 'that a sliding or streaming window advances by (default: half)', number)
    .addOption(
      new Option('--windows <places>', 'where sliding windows lie: all full, or at multiples of the stride')
        .choices(['full', 'fairseq'])
        .default('full'),
    )
    .option('--attention-window <keys>', 'limit each query to the last so many keys (default: all)', number)
    .option('--by-position', 'also print the loss by place in the sequence, as a second line')
    .option('--data <name|file|folder>', 'text: its held-out part (default: what it was trained on; typescript)')
    .option('--whole', 'score all of the file or folder, not its held-out part')
    .addOption(
      new Option(
        '--first-token <mark>',
        'put this token before the text, so that all of its tokens are scored (default: as the run had it; eos for fairseq, else none)',
      ).choices(firstTokens),
    )
    .addOption(positionsOption())
    .addOption(trainLengthOption())
    .addOption(pluginOption())
    .addOption(vocabularyOption())
    .addOption(backendOption())
    .action(evaluate)
}

interface Options {
  readonly evalLengths?: number[]
  readonly evalTokens?: number
  readonly protocol: 'nonoverlapping' | 'sliding' | 'streaming'
  readonly stride?: number
  readonly windows: 'full' | 'fairseq'
  readonly attentionWindow?: number
  readonly byPosition?: boolean
  readonly data?: string
  readonly whole?: boolean
  readonly firstToken?: FirstToken
  readonly trainLength?: number
  readonly positions?: string
  readonly strategy?: string
  readonly vocabulary?: string
  readonly backend: BackendName | 'auto'
}

/** Numbers with the limits that a run has for them. */
const numbersSchema = z
  .object(runConfigSchema.shape)
  .pick({ evalLengths: true, evalTokens: true, stride: true, trainLength: true })
  .extend({ attentionWindow: runConfigSchema.shape.trainLength })
  .partial()

async function evaluate(folder: string, options: Options): Promise<void> {
  const { protocol, stride, windows, attentionWindow } = options
  if (stride !== undefined && protocol === 'nonoverlapping')
    throw new Error('eval: expected --stride with --protocol sliding or streaming, got it with nonoverlapping')
  validate(numbersSchema, options, 'eval')
  const signal = interruptSignal()
  const progress = createProgress()
  const backend = await selectBackend(options.backend)
  const checkpoint = await openCheckpoint(folder, progress.line, options)
  const { model, tokenizer, strategy, trainedWith, seed, randomPositions, data } = checkpoint
  const trainLength = checkpoint.trainLength ?? options.trainLength
  if (trainLength === undefined)
    throw new Error(`eval: expected --train-length, got none; config.json of ${folder} does not say it`)
  progress.line(`backend ${backend.name} on ${backend.device}; ${strategy}, train length ${trainLength}`)
  const text = await readText(options.data ?? data, options.whole ?? false, {
    trainLength,
    log: progress.line,
    signal,
  })
  progress.line(`text ${text.description}`)
  const mark = options.firstToken ?? checkpoint.firstToken
  const held = withFirst(tokenizer.locate(text.valid), tokenizer, mark)
  if (mark !== 'none') progress.line(`reads ${mark} before the text, and scores all of its tokens`)
  const maxTokens = options.evalTokens ?? (options.whole ? held.tokens.length : 65_536)
  const lengths = options.evalLengths ?? [trainLength]
  checkLengths({ train: held.tokens, valid: held, tokenizer }, 1, lengths)
  const cell = { strategy, trainLength, seed, size: modelSize(model.config, checkpoint.architecture) }
  try {
    for (const evalLength of lengths) {
      const reading = makeReading(evalLength, protocol, stride, attentionWindow)
      const request = { cell, reading, windows, firstToken: mark, maxTokens, randomPositions, trainedWith }
      const { whole, positions } = await evaluateModel(model, held, request, { progress, signal })
      progress.stop()
      console.log(lineText(whole))
      if (options.byPosition) console.log(lineText(positions))
      if (!Number.isFinite(whole.lossNats)) throw await notFinite(model, folder, whole)
    }
  } finally {
    progress.stop()
  }
}

async function readText(
  data: string,
  whole: boolean,
  options: SourceOptions,
): Promise<Pick<SplitText, 'valid' | 'description'>> {
  if (!whole) return readSource(data, options)
  if (sourceNamed(data))
    throw new Error(
      `eval: expected --data with a file or folder for --whole, got ${data}, which has a held-out part; leave --whole out`,
    )
  return { valid: await readWhole(data, options), description: `${data}, all of it` }
}

/** Why a loss is not finite, as far as the weights say it. */
async function notFinite({ parameters }: Model, folder: string, { lossNats, evalLength }: EvalLine): Promise<Error> {
  const names: string[] = []
  for (const [name, values] of parameters) if (!(await values.data()).every(Number.isFinite)) names.push(name)
  const some = names.slice(0, 3).join(', ')
  const cause = names.length
    ? `weights of ${folder} are not finite: ${some}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`
    : 'its weights are finite, so activations or scores overflow'
  return new Error(`eval: expected a finite loss, got ${lossNats} at ${evalLength}; ${cause}`)
}
