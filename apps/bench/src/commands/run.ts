import { type BackendName, selectBackend } from '@alibi/backend'
import { Command } from 'commander'
import { cellsOf } from '../config/cells.js'
import { resolveRunConfig } from '../config/resolve.js'
import type { RunConfig } from '../config/schema.js'
import { taskReferenceOf } from '../config/task-reference.js'
import { checkLengths, describeCorpus, readCorpus } from '../data/corpus.js'
import { absoluteTask } from '../data/tasks/reference.js'
import { devicesLines, LINKS, LOOPBACK } from '../experiment/devices.js'
import { estimateLine, productGigaflops, TRAINING_SHARE } from '../experiment/estimate.js'
import { runExperiment } from '../experiment/experiment.js'
import { follow } from '../experiment/follow.js'
import { availableMemory, checkMemory, memoryOf } from '../experiment/memory.js'
import { expectWritable } from '../files/paths.js'
import { loadStrategies } from '../plugins/admit.js'
import { placeOf, type ReplicaOptions } from '../replicas/cluster.js'
import { backendFor, gather, replicaWords, takePlace } from '../replicas/place.js'
import { hasOneThread, threadsOf, withThreads } from '../replicas/threads.js'
import { resultText } from '../report/markdown.js'
import { openResults } from '../run-folder/append.js'
import { beginRun, planRun } from '../run-folder/begin.js'
import { selfTestOnce } from '../self-test/store.js'
import { createProgress } from '../terminal/board.js'
import { duration, gigabytes, thousands } from '../terminal/format.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { asOptions, pasteable } from '../terminal/shell.js'
import {
  backendOption,
  cellsOptions,
  configOptions,
  givenConfig,
  replicaOptions,
  tensorboardFolder,
  tensorboardOption,
} from './options.js'

export function runCommand(): Command {
  const command = new Command('run').description(
    'Train every strategy from every seed on short sequences, evaluate each on long ones, write the report.',
  )
  for (const option of [...cellsOptions(), ...configOptions(), backendOption(), ...replicaOptions()])
    command.addOption(option)
  return command
    .option('--dry-run', 'only say what it takes: parameters, memory a step, hours on this machine')
    .option('--out <folder>', 'for results, checkpoints and the report (default: a new one in runs/)')
    .addOption(tensorboardOption())
    .option('--resume', 'resume a run that was stopped: the one in --out, or the latest')
    .option('--retrain', 'with --resume: train models anew whose checkpoints are damaged')
    .addHelpText(
      'after',
      `
Examples:
  pnpm bench run --strategies alibi,rotary --seeds 1,2 --steps 500
  pnpm bench run --data ./my-texts --train-length 64 --eval-lengths 64,256,1024`,
    )
    .action(run)
}

interface Options extends ReplicaOptions {
  readonly dryRun?: boolean
  readonly out?: string
  readonly resume?: boolean
  readonly retrain?: boolean
  readonly backend: BackendName | 'auto'
  readonly tensorboard?: string
}

async function run(options: Options): Promise<void> {
  if (options.dryRun) return dryRun(options)
  const interrupt = interruptSignal()
  const progress = createProgress()
  const started = performance.now()
  if (options.tensorboard !== undefined)
    await expectWritable('tensorboard', options.tensorboard, 'take another --tensorboard')
  const given = await givenConfig({ ...options })
  const place = await takePlace(options)
  if (place?.index) return follow(place, interrupt, { given })
  const planned = await planRun({ ...options, backend: backendFor(place, options.backend), given, log: progress.line })
  const plan = withThreads(planned, options.replicas)

  const { folder, config, backend, registry } = plan
  const { tensorboard } = options
  progress.line(`backend ${backend.name} (${backend.package} ${backend.version}) on ${backend.device}`)
  for (const { name, reason } of backend.passedOver) progress.line(`  not ${name}: ${reason}`)
  await selfTestOnce(backend, progress.line)
  checkMemory('run', config, availableMemory(backend))
  const gigaflops = plan.threads * (await productGigaflops(backend.name))
  progress.line(estimateLine(config, gigaflops))
  const crew = await gather(place, plan, { given, signal: interrupt, log: progress.line })
  const signal = crew?.signal ?? interrupt
  const corpus = await readCorpus(config, { log: progress.line, signal }, plan.tokenizer)
  checkLengths(corpus, config.trainLength, config.evalLengths)
  crew?.begin(corpus)
  await beginRun(plan, corpus)
  progress.line(describeCorpus(corpus))
  progress.line(
    `${cellsOf(config).length} models (strategies × seeds) of ${config.steps} steps, train length ${config.trainLength}, ` +
      `evaluated at ${config.evalLengths.join(', ')}; results in ${folder}`,
  )
  const append = await openResults(folder, config, {
    log: progress.line,
    tensorboard: tensorboardFolder(tensorboard, folder),
  })
  try {
    const { replicas } = crew ?? {}
    const run = { config, registry, corpus, folder, append, progress, signal, replicas }
    const { results, stopped } = await runExperiment(run)
    // Loaded when it is written: it draws with a library of hundreds of files.
    const { writeReport } = await import('../report/write.js')
    const { html } = await writeReport(folder, results, registry)
    console.log(`\n${resultText(results).join('\n')}`)
    console.log(`\nreport: ${html}\ntook ${duration((performance.now() - started) / 1000)}`)
    if (!stopped.length) return
    console.error(
      `${stopped.length} of ${cellsOf(config).length} models stopped before their last step: ${stopped.join('; ')}`,
    )
    process.exitCode = 1
  } catch (error) {
    progress.stop()
    const again = pasteable(
      'run',
      '--resume',
      ...asOptions({ out: folder, tensorboard, ...replicaWords(options, backend.name) }),
    )
    console.error(`stopped; finished work is kept. Continue with: ${again}`)
    throw error
  }
}

/** Reads no text and writes nothing; finds strategies and tasks, as one that is not there has no estimate. */
async function dryRun(options: Options): Promise<void> {
  const config = resolveRunConfig(await givenConfig({ ...options }))
  await loadStrategies(config.strategies)
  const task = taskReferenceOf(config.data)
  if (task !== undefined) absoluteTask(task)
  const backend = await selectBackend(options.backend)
  console.log(`backend ${backend.name} on ${backend.device}`)
  const ofOne = await productGigaflops(backend.name)
  const gigaflops = threadsOf(backend.name, config, options.replicas) * ofOne
  console.log(estimateLine(config, gigaflops))
  const sharesCores = !backend.isGpu && !hasOneThread(backend.name)
  for (const line of predictionOf(options, config, { gigaflops: ofOne, sharesCores })) console.log(line)
  const [needed, here] = [memoryOf(config), availableMemory(backend)]
  if (needed > here)
    console.log(`it needs GPUs: ${gigabytes(needed)} GB at once, and there are ${gigabytes(here)} GB here`)
}

/** What replicas would do: with a machine each, or processes of this one, which share it unless they have a GPU or a thread each. */
function predictionOf(
  options: Options,
  config: RunConfig,
  { gigaflops, sharesCores }: { gigaflops: number; sharesCores: boolean },
) {
  // Which of them this is makes no difference.
  const place = placeOf({ ...options, ...(options.cluster !== undefined && { replica: options.replica ?? 0 }) })
  if (!place) return []
  const isHere = 'startHere' in place
  const devices = isHere ? place.startHere : place.addresses.length
  const isShared = isHere && sharesCores
  const rate = TRAINING_SHARE * gigaflops
  return devicesLines(config, devices, {
    rate: (count) => (1e9 * rate) / (isShared ? count : 1),
    links: isHere ? [LOOPBACK] : LINKS,
    assumed: `${isShared ? 'together' : 'each'} ${thousands(rate)} GFLOP/s, ${Math.round(100 * TRAINING_SHARE)} % of what matrix products reach here`,
  })
}
