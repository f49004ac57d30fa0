import type { BackendName } from '@alibi/backend'
import { Command } from 'commander'
import { cellsOf } from '../config/cells.js'
import { checkLengths, describeCorpus, readCorpus } from '../data/corpus.js'
import { estimateLine, productGigaflops } from '../experiment/estimate.js'
import { follow } from '../experiment/follow.js'
import { availableMemory, checkMemory } from '../experiment/memory.js'
import { trainCell } from '../experiment/train.js'
import { disposeTrainer } from '../experiment/trainer.js'
import { expectWritable } from '../files/paths.js'
import type { ReplicaOptions } from '../replicas/cluster.js'
import { dismiss, orderCell } from '../replicas/lead.js'
import { backendFor, gather, replicaWords, takePlace } from '../replicas/place.js'
import { withThreads } from '../replicas/threads.js'
import { openResults } from '../run-folder/append.js'
import { beginRun, planRun } from '../run-folder/begin.js'
import { checkpointFolder } from '../run-folder/layout.js'
import { selfTestOnce } from '../self-test/store.js'
import { createProgress } from '../terminal/board.js'
import { thousands } from '../terminal/format.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { asOptions, pasteable } from '../terminal/shell.js'
import {
  backendOption,
  configOptions,
  givenConfig,
  number,
  positionsOption,
  replicaOptions,
  strategyHelp,
  tensorboardFolder,
  tensorboardOption,
  vocabularyOption,
} from './options.js'

export function trainCommand(): Command {
  const command = new Command('train')
    .description('Train one model and keep its checkpoint.')
    .option(
      '--strategy <name>',
      `from ${strategyHelp} (default: alibi); with --from where that of the checkpoint is now, if it moved`,
    )
    .option(
      '--from <checkpoint>',
      'train this one on: of the bench, a folder of Hugging Face transformers, or a file of fairseq',
    )
    .addOption(positionsOption())
    .addOption(vocabularyOption())
    .option('--keep-optimizer', 'with --from: its moments too, not only the weights')
    .option('--seed <n>', 'of weights and batches (default: 1)', number)
  for (const option of [...configOptions(), backendOption(), ...replicaOptions()]) command.addOption(option)
  return command
    .option('--out <folder>', 'for results and the checkpoint (default: a new one in runs/)')
    .addOption(tensorboardOption())
    .option('--resume', 'resume a run that was stopped: the one in --out, or the latest')
    .option('--retrain', 'with --resume: train models anew whose checkpoints are damaged')
    .action(train)
}

interface Options extends ReplicaOptions {
  readonly strategy?: string
  readonly from?: string
  readonly positions?: string
  readonly vocabulary?: string
  readonly keepOptimizer?: boolean
  readonly seed?: number
  readonly out?: string
  readonly resume?: boolean
  readonly retrain?: boolean
  readonly backend: BackendName | 'auto'
  readonly tensorboard?: string
}

async function train(all: Options): Promise<void> {
  const { strategy, seed, from: path, positions, vocabulary, keepOptimizer, ...options } = all
  for (const [name, value] of Object.entries({ positions, vocabulary, keepOptimizer }))
    if (value !== undefined && path === undefined)
      throw new Error(
        `train: expected ${asOptions({ [name]: true })[0]} with --from, got it alone; a new model has --strategy`,
      )
  const from = path === undefined ? undefined : { path, positions, vocabulary, strategy, keepOptimizer }
  const interrupt = interruptSignal()
  const progress = createProgress()
  const given = {
    ...(await givenConfig({ ...options })),
    ...(strategy !== undefined && !from && { strategies: [strategy] }),
    ...(seed !== undefined && { seeds: [seed] }),
  }
  const defaults = { strategies: ['alibi'], seeds: [1] }
  if (options.tensorboard !== undefined)
    await expectWritable('tensorboard', options.tensorboard, 'take another --tensorboard')
  const place = await takePlace(options)
  if (place?.index) return follow(place, interrupt, { given, strategy: from && strategy })
  const backendName = backendFor(place, options.backend)
  const planned = await planRun({ ...options, backend: backendName, from, given, defaults, log: progress.line })
  const plan = withThreads(planned, options.replicas)
  const { folder, config, backend, registry, start } = plan
  const { tensorboard } = options
  progress.line(`backend ${backend.name} (${backend.package} ${backend.version}) on ${backend.device}`)
  await selfTestOnce(backend, progress.line)
  checkMemory('train', { ...config, evalLengths: [] }, availableMemory(backend))
  const gigaflops = plan.threads * (await productGigaflops(backend.name))
  progress.line(estimateLine({ ...config, evalLengths: [] }, gigaflops))
  const crew = await gather(place, plan, { given, strategy: from && strategy, signal: interrupt, log: progress.line })
  const signal = crew?.signal ?? interrupt
  const corpus = await readCorpus(config, { log: progress.line, signal }, plan.tokenizer)
  checkLengths(corpus, config.trainLength, [])
  crew?.begin(corpus)
  await beginRun(plan, corpus)
  progress.line(describeCorpus(corpus))
  const [cell] = cellsOf(config)
  const append = await openResults(folder, config, {
    log: progress.line,
    tensorboard: tensorboardFolder(tensorboard, folder),
  })
  try {
    const { replicas } = crew ?? {}
    if (replicas) orderCell(replicas, 0)
    const trainer = await trainCell(cell!, {
      config,
      registry,
      corpus,
      start,
      folder,
      append,
      progress,
      signal,
      replicas,
    })
    if (replicas) dismiss(replicas)
    progress.stop()
    console.log(`trained ${thousands(trainer.model.numParameters)} parameters: ${checkpointFolder(folder, cell!)}`)
    disposeTrainer(trainer)
  } catch (error) {
    progress.stop()
    const again = pasteable(
      'train',
      '--resume',
      ...asOptions({ out: folder, tensorboard, ...replicaWords(options, backend.name) }),
    )
    console.error(`stopped; finished work is kept. Continue with: ${again}`)
    throw error
  }
}
