import { type BackendName, selectBackend } from '@alibi/backend'
import { modelSize, validate } from '@alibi/results'
import { Command, Option } from 'commander'
import { z } from 'zod'
import { openCheckpoint } from '../checkpoints/open.js'
import { runConfigSchema } from '../config/schema.js'
import { taskNameOf, taskReferenceOf } from '../config/task-reference.js'
import { type FirstToken, firstTokens } from '../data/tokenizer/first-token.js'
import { createProgress } from '../terminal/board.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { evaluateContext } from './eval-context.js'
import { keepEvaluations, openEvaluations } from './eval-results.js'
import {
  checkTaskOptions,
  evaluateTasks,
  expectNoTaskOptions,
  type TaskOptions,
  taskOptions,
  tasksOf,
} from './eval-tasks.js'
import { evaluateText, type TextRequest } from './eval-text.js'
import {
  backendOption,
  cellsOptions,
  checkpointHelp,
  number,
  pluginOption,
  positionsOption,
  trainLengthOption,
  vocabularyOption,
} from './options.js'

export function evalCommand(): Command {
  const [, evalLengths, evalTokens] = cellsOptions()
  const command = new Command('eval')
    .description('Evaluate a checkpoint on held-out text, or try it on tasks; prints one line of JSON a length.')
    .argument('<checkpoint>', checkpointHelp)
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
    .option(
      '--data <name|file|folder>',
      'text: its held-out part, also to hide needles in (default: what it was trained on; typescript)',
    )
    .option('--whole', 'score all of the file or folder, not its held-out part')
    .option('--pack', 'score document by document: records, or files of a folder (default: as the model was trained)')
    .addOption(
      new Option(
        '--first-token <mark>',
        'put this token before the text, so that all of its tokens are scored (default: as the run had it; eos for fairseq, else none)',
      ).choices(firstTokens),
    )
    .addOption(positionsOption())
    .addOption(trainLengthOption())
    .option('--context-ablation', 'the loss with the far context left out or shuffled, by how much stays')
  for (const option of taskOptions()) command.addOption(option)
  command.option('--out <folder>', 'also write the lines there, with those of other models, and their report')
  return command.addOption(pluginOption()).addOption(vocabularyOption()).addOption(backendOption()).action(evaluate)
}

interface Options extends TaskOptions, Omit<TextRequest, 'cell' | 'evalLengths' | 'firstToken' | 'data'> {
  readonly evalLengths?: number[]
  readonly firstToken?: FirstToken
  readonly trainLength?: number
  readonly positions?: string
  readonly contextAblation?: boolean
  readonly strategy?: string
  readonly vocabulary?: string
  readonly out?: string
  readonly backend: BackendName | 'auto'
}

/** Numbers with the limits that a run has for them. */
const numbersSchema = z
  .object(runConfigSchema.shape)
  .pick({ evalLengths: true, evalTokens: true, stride: true, trainLength: true })
  .extend({ attentionWindow: runConfigSchema.shape.trainLength })
  .partial()

async function evaluate(folder: string, options: Options): Promise<void> {
  const { protocol, stride } = options
  checkTaskOptions(options)
  if (stride !== undefined && protocol === 'nonoverlapping')
    throw new Error('eval: expected --stride with --protocol sliding or streaming, got it with nonoverlapping')
  validate(numbersSchema, options, 'eval')
  if (options.contextAblation)
    expectNoTextOptions(options, '--context-ablation', { tasks: options.tasks, pack: options.pack })
  const signal = interruptSignal()
  const progress = createProgress()
  const before = options.out === undefined ? undefined : await openEvaluations(options.out)
  const backend = await selectBackend(options.backend)
  const checkpoint = await openCheckpoint(folder, progress.line, options)
  const { model, strategy, seed } = checkpoint
  const trainLength = checkpoint.trainLength ?? options.trainLength
  if (trainLength === undefined)
    throw new Error(`eval: expected --train-length, got none; config.json of ${folder} does not say it`)
  progress.line(`backend ${backend.name} on ${backend.device}; ${strategy}, train length ${trainLength}`)
  const trainedOn = taskReferenceOf(checkpoint.data)
  const cell = {
    ...{ strategy, trainLength, seed, size: modelSize(model.config, checkpoint.architecture) },
    ...(trainedOn !== undefined && { trainedOn: taskNameOf(trainedOn) }),
  }
  const tasks = options.contextAblation ? undefined : await tasksOf(checkpoint, options, { log: progress.line, signal })
  if (tasks)
    expectNoTextOptions(options, 'tasks', {
      'eval-tokens': options.evalTokens,
      whole: options.whole,
      pack: options.pack,
    })
  else expectNoTaskOptions(options)
  const evalLengths = options.evalLengths ?? [trainLength]
  const firstToken = options.firstToken ?? checkpoint.firstToken
  const request = { ...options, cell, evalLengths, firstToken }
  const work = { progress, signal }
  const measure = () => {
    if (options.contextAblation) return evaluateContext(checkpoint, request, work)
    return tasks
      ? evaluateTasks({ ...request, checkpoint, tasks }, work)
      : evaluateText(folder, checkpoint, request, work)
  }
  try {
    const lines = await measure()
    if (options.out === undefined) return
    const html = await keepEvaluations(options.out, before, { cell, lines, backend })
    progress.line(`report: ${html}`)
  } finally {
    progress.stop()
  }
}

/**
 * Options that say how held-out text is cut mean nothing to other measures.
 *
 * @param what - is measured
 * @param more - others that mean nothing to it
 */
function expectNoTextOptions(options: Options, what: string, more: Readonly<Record<string, unknown>> = {}): void {
  const given = {
    protocol: options.protocol === 'nonoverlapping' ? undefined : options.protocol,
    windows: options.windows === 'full' ? undefined : options.windows,
    'attention-window': options.attentionWindow,
    'by-position': options.byPosition,
    ...more,
  }
  const other = Object.entries(given).find(([, value]) => value !== undefined)
  if (other) throw new Error(`eval: expected no --${other[0]} with ${what}, got it; leave it out`)
}
