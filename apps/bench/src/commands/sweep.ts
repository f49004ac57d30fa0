import { dirname, join, resolve } from 'node:path'
import type { BackendName } from '@alibi/backend'
import { describeCell } from '@alibi/results'
import { Command } from 'commander'
import { tokenizerSettings } from '../data/tokenizer/settings.js'
import { expectPlain, expectWritable } from '../files/paths.js'
import type { JoinedQueue } from '../queue/open.js'
import { lockFolder } from '../run-folder/lock.js'
import { sweepCells } from '../sweep/cells.js'
import { CELLS } from '../sweep/folder.js'
import { localDoer } from '../sweep/local-doer.js'
import type { Outcomes } from '../sweep/messages.js'
import { planRuns, readPlan } from '../sweep/plan.js'
import { sweepRunLine } from '../sweep/results.js'
import { doJob } from '../sweep/run-in-process.js'
import { count, runSweep } from '../sweep/sweep.js'
import { type Board, createBoard } from '../terminal/board.js'
import { duration } from '../terminal/format.js'
import { interruptSignal } from '../terminal/interrupt.js'
import type { Progress } from '../terminal/progress.js'
import { asOptions, pasteable } from '../terminal/shell.js'
import { table } from '../terminal/table.js'
import {
  backendOption,
  number,
  queueOption,
  storeOption,
  tensorboardFolder,
  tensorboardOption,
  tokenizerOption,
} from './options.js'

export function sweepCommand(): Command {
  return new Command('sweep')
    .description(
      'Train and evaluate every strategy × train length × size × seed of a plan, each in a process of its own. ' +
        'The same command again resumes; finished cells are not repeated.',
    )
    .argument('<plan>', 'YAML or JSON; see apps/bench/plans')
    .option('--out <folder>', "for results and the report (default: runs/ and the plan's name)")
    .option('--jobs <n>', 'processes at once, which share the cores', number, 1)
    .option('--data <name|file|folder>', "in place of the plan's text")
    .addOption(tokenizerOption("in place of the plan's"))
    .option('--retry', 'repeat cells that have failed')
    .option('--dry-run', 'show the cells and about how long they will take')
    .addOption(backendOption())
    .addOption(tensorboardOption())
    .addOption(queueOption('workers do the cells'))
    .addOption(storeOption())
    .option('--priority <n>', 'in the queue, from 1, which is first (default: before all that have one)', number)
    .action(sweep)
}

interface Options {
  readonly out?: string
  readonly jobs: number
  readonly data?: string
  readonly tokenizer?: string
  readonly retry?: boolean
  readonly dryRun?: boolean
  readonly backend: BackendName | 'auto'
  readonly tensorboard?: string
  readonly queue?: string | true
  readonly store?: string
  readonly priority?: number
}

async function sweep(path: string, options: Options): Promise<void> {
  const { jobs, retry = false, dryRun = false } = options
  if (!Number.isInteger(jobs) || jobs < 1) throw new Error(`sweep: expected a number of jobs from 1 up, got ${jobs}`)
  checkQueueOptions(options)
  const signal = interruptSignal()
  const started = performance.now()
  const plan = await readPlan(path)
  if (options.out !== undefined) await expectWritable('sweep', options.out)
  if (options.tensorboard !== undefined)
    await expectWritable('tensorboard', options.tensorboard, 'take another --tensorboard')
  const folder = resolve(options.out ?? join('runs', plan.name))
  await expectPlain('sweep', folder)
  if (!dryRun) await lockFolder(folder)

  const board = createBoard()
  const runs = planRuns(plan, dirname(path), { data: options.data, ...(await tokenizerSettings(options.tokenizer)) })
  const { backend } = options
  const inProcess = { progress: silent(board), signal }
  if (dryRun) {
    const found = await doJob({ kind: 'estimate', runs, folder, retry, jobs, backend }, inProcess)
    board.line(`${describe(found.cells, found.backend)}; results would go to ${folder}`)
    return showPlan(found, jobs)
  }
  // A queue that is not there ends it at once.
  const queue =
    options.queue === undefined ? undefined : await joinedQueue({ ...options, queue: options.queue }, board, signal)
  const resolved = await doJob({ kind: 'resolve', runs, jobs, backend }, inProcess)
  const cells = sweepCells(resolved)
  const sweep = { folder, cells, run: sweepRunLine(plan, resolved), backend: resolved.backend.name }
  board.line(`${describe(cells, resolved.backend)}; results in ${folder}`)

  const again = commandOf(path, folder, options)
  const tensorboard = tensorboardFolder(options.tensorboard, folder)
  const doer = queue
    ? await queue.doerFor(sweep)
    : localDoer({ folder, backend: sweep.backend, jobs, retrain: retry, tensorboard, signal })
  const states = await runSweep(sweep, { doer, retry, tensorboard, board, signal })
    .catch((error) => {
      board.close()
      console.error(`stopped; finished work is kept. Continue with: ${pasteable(...again)}`)
      if (options.queue !== undefined) console.error('workers go on with the cells that are in the queue')
      throw error
    })
    .finally(() => queue?.close())
  board.close()
  if (count(states, 'finished')) {
    // Its charts are many modules, which a dry run does without.
    const { report } = await import('./report.js')
    await report(folder, { plugins: true })
  }
  console.log(
    `${count(states, 'finished')} of ${states.size} cells finished; took ${duration((performance.now() - started) / 1000)}`,
  )
  const failed = sweep.cells.filter((cell) => states.get(cell)!.end === 'failed')
  if (failed.length)
    throw new Error(
      `sweep: ${failed.length} cells failed: ${failed.map(({ key }) => describeCell(key)).join('; ')}; their logs are in ${join(folder, CELLS)}. Continue with: ${pasteable(...again, '--retry')}`,
    )
}

/** @throws Error, one line, for options that are of the workers, or of a queue that is not there */
function checkQueueOptions({ queue, store, priority, jobs, tensorboard, dryRun }: Options): void {
  const refuse = (expected: string, got: string) => {
    throw new Error(`sweep: expected ${expected}, got ${got}`)
  }
  if (queue === undefined && store !== undefined) refuse('--store with --queue', 'it alone')
  if (queue === undefined && priority !== undefined) refuse('--priority with --queue', 'it alone')
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 1 && priority <= MAX_PRIORITY))
    refuse(`--priority from 1 to ${MAX_PRIORITY}`, `${priority}`)
  if (queue === undefined) return
  if (jobs !== 1) refuse('no --jobs with --queue: each worker has its own', `${jobs}`)
  if (tensorboard !== undefined) refuse('no --tensorboard with --queue: cells are trained elsewhere', 'it')
  if (dryRun) refuse('no --queue with --dry-run: what is left is told without it', 'it')
}

/** BullMQ's highest. */
const MAX_PRIORITY = 2 ** 21

/** The queue whose workers do the cells: loaded only then. */
async function joinedQueue(
  { queue, store, priority }: Options & { readonly queue: string | true },
  { line }: Board,
  signal: AbortSignal,
): Promise<JoinedQueue> {
  const { joinQueue } = await import('../queue/open.js')
  return joinQueue({ queue, store, priority, line, signal })
}

const describe = ({ length }: readonly unknown[], { name, device }: Outcomes['resolve']['backend']) =>
  `${length} cells on ${name}, ${device}`

/** All that decides which cells there are, as words of a command. */
const commandOf = (
  path: string,
  folder: string,
  { jobs, data, tokenizer, backend, tensorboard, queue, store, priority }: Options,
) => [
  'sweep',
  path,
  ...asOptions({ out: folder, data, tokenizer }),
  ...(backend === 'auto' ? [] : ['--backend', backend]),
  ...(jobs === 1 ? [] : ['--jobs', `${jobs}`]),
  ...asOptions({ tensorboard, queue: queue === true ? undefined : queue }),
  ...(queue === true ? ['--queue'] : []),
  ...asOptions({ store, priority }),
]

/** What there is to do, without doing it. */
function showPlan({ cells, left, seconds, from }: Outcomes['estimate'], jobs: number): void {
  console.log(table([['cell', 'state'], ...cells]).join('\n'))
  console.log(
    left
      ? `\n${left} cells to be done: about ${duration(seconds)} of work (${from}), shared by ${jobs} ${jobs === 1 ? 'process' : 'processes'}`
      : '\nnothing to be done',
  )
}

/** A process of which only messages are shown. */
const silent = ({ line }: Board): Progress => ({ line, start() {}, update() {}, stop() {} })
