import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { BackendName } from '@alibi/backend'
import { Command, InvalidArgumentError } from 'commander'
import { expectWritable } from '../files/paths.js'
import { doJob } from '../sweep/run-in-process.js'
import { createBoard } from '../terminal/board.js'
import { interruptSignal } from '../terminal/interrupt.js'
import { backendOption, list, number, queueOption, storeOption } from './options.js'

/** @param least - number that is allowed */
const atLeast = (least: number) => (text: string) => {
  const value = number(text)
  if (!Number.isInteger(value) || value < least)
    throw new InvalidArgumentError(`expected a whole number from ${least} up`)
  return value
}

export function workerCommand(): Command {
  return new Command('worker')
    .description(
      'Take cells of sweeps from a queue and do each in a process of its own, until Ctrl-C: then those that were begun are saved ' +
        'and given back. Any number of workers on any number of machines may join and leave at any time.',
    )
    .addOption(queueOption('takes cells from it').default(true))
    .option('--jobs <n>', 'cells at once, which share the cores', atLeast(1), 1)
    .addOption(backendOption())
    .addOption(storeOption())
    .option(
      '--trust <files|packages>',
      'with strategies and tasks of your own that cells may run here, separated by commas',
      list,
      [],
    )
    .option('--work <folder>', 'for cells in progress; of this machine alone', join('runs', `worker-${hostname()}`))
    .option(
      '--lost-after <seconds>',
      'without a word from a worker, until another takes its cells; the same for all workers',
      atLeast(2),
      30,
    )
    .action(worker)
}

interface Options {
  readonly queue: string | true
  readonly jobs: number
  readonly backend: BackendName | 'auto'
  readonly store?: string
  readonly trust: readonly string[]
  readonly work: string
  readonly lostAfter: number
}

async function worker({ jobs, backend: wanted, work, lostAfter, trust, ...options }: Options): Promise<void> {
  const signal = interruptSignal()
  const { queueAddress } = await import('../queue/address.js')
  const address = queueAddress(options.queue)
  await expectWritable('worker', work, 'take another --work')
  const { openStore } = await import('../queue/open-store.js')
  const store = options.store === undefined ? undefined : await openStore(options.store)
  const { findSource, strategyKind } = await import('../plugins/source.js')
  const { rememberModule } = await import('../plugins/trust.js')
  for (const each of trust) await rememberModule(findSource(each).from, strategyKind, console.error)
  const { connectQueue, leaveQueue } = await import('../queue/connection.js')
  const { takeCells } = await import('../queue/take.js')
  const { createWorkshop } = await import('../queue/workshop.js')
  const board = createBoard()
  const connection = await connectQueue(address, board.line)
  const progress = { line: board.line, start() {}, update() {}, stop() {} }
  const { backend, versions } = await doJob(
    { kind: 'resolve', runs: [], jobs, backend: wanted },
    { progress, jobs, signal },
  )
  board.line(`takes cells on ${backend.name}, ${backend.device}, from ${address.shown}; Ctrl-C gives them back`)
  const workshop = createWorkshop({ folder: resolve(work), store, versions, say: board.line })
  await takeCells({ connection, backend: backend.name, jobs, workshop, lostAfterMs: lostAfter * 1000, board, signal })
  board.close()
  leaveQueue(connection)
  signal.throwIfAborted()
}
