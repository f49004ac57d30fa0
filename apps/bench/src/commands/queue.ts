import { Command } from 'commander'
import { table } from '../terminal/table.js'
import { number, queueOption } from './options.js'

const ACTIONS = ['show', 'pause', 'resume', 'cancel', 'priority'] as const

const isAction = (word: string): word is (typeof ACTIONS)[number] => (ACTIONS as readonly string[]).includes(word)

export function queueCommand(): Command {
  return new Command('queue')
    .description(
      'Show what is in a queue and who works on it; pause it, resume it, cancel cells or change their order.',
    )
    .argument('[action]', `one of ${ACTIONS.join(', ')}`, 'show')
    .argument('[names...]', 'of cancel and priority: ids of cells or sweeps, as show has them, or all')
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
  const takesNames = action === 'cancel' || action === 'priority'
  if (takesNames !== names.length > 0)
    throw new Error(
      `queue: expected ${takesNames ? 'ids of cells or sweeps, or all,' : 'no names'} with ${action}, got ${names.join(', ') || 'none'}`,
    )
  if ((action === 'priority') !== (priority !== undefined))
    throw new Error(`queue: expected --priority with the action priority alone, got ${priority ?? 'none'}`)
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0 && priority <= 2 ** 21))
    throw new Error(`queue: expected --priority from 0 to ${2 ** 21}, got ${priority}`)
  const { queueAddress } = await import('../queue/address.js')
  const { connectQueue, leaveQueue } = await import('../queue/connection.js')
  const connection = await connectQueue(queueAddress(queue), console.error)
  const { cancelCells, pauseQueues, queueStates, setPriority } = await import('../queue/manage.js')
  if (action === 'show') show(await queueStates(connection))
  else if (action === 'cancel') console.log(`${await cancelCells(connection, names)} cells are cancelled`)
  else if (action === 'priority')
    console.log(`${await setPriority(connection, names, priority!)} cells have priority ${priority}`)
  else await pauseQueues(connection, action === 'pause')
  leaveQueue(connection)
}

type States = Awaited<ReturnType<typeof import('../queue/manage.js')['queueStates']>>

function show(states: States): void {
  if (!states.length) console.log('no cells and no workers')
  for (const { backend, isPaused, workers, counts, active } of states) {
    const cells = Object.entries(counts).flatMap(([name, count]) => (count ? [`${count} ${name}`] : []))
    console.log(
      [
        `${backend}${isPaused ? ', paused' : ''}: ${cells.join(', ') || 'no cells'}`,
        `workers: ${workers.join(', ') || 'none'}`,
      ].join('; '),
    )
    if (active.length)
      console.log(
        table([['sweep', 'cell', 'progress'], ...active.map((each) => [each.sweep, each.cell, each.progress])]).join(
          '\n',
        ),
      )
  }
}
