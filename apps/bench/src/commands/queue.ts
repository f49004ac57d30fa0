import { Command } from 'commander'
import type { Redis } from 'ioredis'
import type { CellProgress } from '../queue/cell-job.js'
import { percent } from '../terminal/format.js'
import { table } from '../terminal/table.js'
import { number, queueOption } from './options.js'

const ACTIONS = ['show', 'pause', 'resume', 'cancel', 'priority', 'log'] as const

const isAction = (word: string): word is (typeof ACTIONS)[number] => (ACTIONS as readonly string[]).includes(word)

export function queueCommand(): Command {
  return new Command('queue')
    .description(
      'Show what is in a queue and who works on it; pause it, resume it, cancel cells or change their order; print the log of a cell.',
    )
    .argument('[action]', `one of ${ACTIONS.join(', ')}`, 'show')
    .argument(
      '[names...]',
      'of cancel and priority: ids of cells or sweeps, as show has them, or all; of log: one cell',
    )
    .addOption(queueOption('the one that is meant').default(true))
    .option('--priority <n>', 'of priority: from 1, which is first; 0 is before all that have one', number)
    .action(manage)
}

interface Options {
  readonly queue: string | true
  readonly priority?: number
}

async function manage(action: string, names: readonly string[], { queue, priority }: Options): Promise<void> {
  if (!isAction(action)) throw new Error(`queue: expected one of ${ACTIONS.join(', ')}, got ${action}`)
  const takesNames = action === 'cancel' || action === 'priority' || action === 'log'
  if (takesNames !== names.length > 0)
    throw new Error(
      `queue: expected ${takesNames ? 'ids of cells or sweeps, or all,' : 'no names'} with ${action}, got ${names.join(', ') || 'none'}`,
    )
  if (action === 'log' && names.length !== 1)
    throw new Error(`queue: expected one cell with log, got ${names.join(', ')}`)
  if ((action === 'priority') !== (priority !== undefined))
    throw new Error(`queue: expected --priority with the action priority alone, got ${priority ?? 'none'}`)
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0 && priority <= 2 ** 21))
    throw new Error(`queue: expected --priority from 0 to ${2 ** 21}, got ${priority}`)
  const { queueAddress } = await import('../queue/address.js')
  const { connectQueue, leaveQueue } = await import('../queue/connection.js')
  const connection = await connectQueue(queueAddress(queue), console.error)
  try {
    const { cancelCells, pauseQueues, setPriority } = await import('../queue/manage.js')
    if (action === 'show') await show(connection)
    else if (action === 'log')
      process.stdout.write(await (await import('../queue/logs.js')).fetchLog(connection, names[0]!))
    else if (action === 'cancel') console.log(`${await cancelCells(connection, names)} cells are cancelled`)
    else if (action === 'priority')
      console.log(`${await setPriority(connection, names, priority!)} cells have priority ${priority}`)
    else await pauseQueues(connection, action === 'pause')
  } finally {
    leaveQueue(connection)
  }
}

async function show(connection: Redis): Promise<void> {
  const { queueStates } = await import('../queue/states.js')
  const { describeState, paceOf } = await import('../queue/words.js')
  const states = await queueStates(connection)
  if (!states.length) console.log('no cells and no workers')
  for (const state of states) {
    const { active, failed, workers } = state
    console.log([describeState(state), paceOf(state)].filter(Boolean).join('; '))
    const progress = active.map((each) => [each.sweep, each.cell, describeProgress(each.progress)])
    const reasons = failed.map((each) => [each.sweep, each.cell, each.reason])
    if (active.length) console.log(table([['sweep', 'cell', 'progress'], ...progress]).join('\n'))
    if (failed.length) console.log(table([['sweep', 'cell', 'failed'], ...reasons]).join('\n'))
    if (workers.length) console.log(`workers: ${workers.join(', ')}`)
  }
}

const describeProgress = (progress: CellProgress | undefined) =>
  progress
    ? [progress.work, percent(progress.done, progress.total), ...progress.details, progress.worker].join(' ')
    : 'begins'
