// A queue as a page shows it.
import { isDeepStrictEqual } from 'node:util'
import { escapeHtml, htmlTable } from '@alibi/charts/page'
import type { Redis } from 'ioredis'
import type { View } from '../watch/view.js'
import type { Watchable } from '../watch/watchable.js'
import { fetchLog } from './logs.js'
import { type QueueState, queueStates } from './states.js'
import { describeState, paceOf } from './words.js'

/** @param name - its address, for people */
export function watchableQueue(connection: Redis, name: string): Watchable<readonly QueueState[]> {
  let last: readonly QueueState[] = []
  let made: { readonly of: readonly QueueState[]; readonly view: View } | undefined
  return {
    name,
    async read() {
      const states = await queueStates(connection)
      if (!isDeepStrictEqual(states, last)) last = states
      return last
    },
    view(states) {
      if (made?.of !== states) made = { of: states, view: viewOf(states) }
      return made.view
    },
    isReading: () => false,
    log: (cell) => fetchLog(connection, cell).catch((error: Error) => `${error.message}\n`),
  }
}

const viewOf = (states: readonly QueueState[]): View => ({
  status: states.map(describeState).join('; ') || 'no cells and no workers',
  whole: states.map(paceOf).filter(Boolean).map(escapeHtml).join('; '),
  cells: states.map(({ active, backend }) => activeTable(active, backend)).join(''),
  rest: states.map((state) => `${failedTable(state)}${workersTable(state)}`).join(''),
  sections: {},
})

const logOf = (id: string) => `<a href="log?cell=${encodeURIComponent(id)}">log</a>`

function activeTable(active: QueueState['active'], backend: string): string {
  if (!active.length) return ''
  return htmlTable(
    `Cells that workers have, on ${backend}`,
    ['cell', 'progress', 'worker', 'sweep', 'log'],
    active.map(({ id, cell, sweep, progress }) => [
      escapeHtml(cell),
      progress
        ? `${escapeHtml(progress.work)} <progress value="${progress.total > 0 ? progress.done / progress.total : 1}" aria-label="${escapeHtml(`${progress.work} of ${cell}`)}"></progress> ${escapeHtml(progress.details.join(' '))}`
        : 'begins',
      escapeHtml(progress?.worker ?? '—'),
      escapeHtml(sweep),
      logOf(id),
    ]),
  )
}

function failedTable({ failed, backend }: QueueState): string {
  if (!failed.length) return ''
  return htmlTable(
    `Cells that have failed, on ${backend}`,
    ['cell', 'reason', 'sweep', 'log'],
    failed.map(({ id, cell, sweep, reason }) => [escapeHtml(cell), escapeHtml(reason), escapeHtml(sweep), logOf(id)]),
  )
}

function workersTable({ workers, active, backend }: QueueState): string {
  if (!workers.length) return ''
  return htmlTable(
    `Workers, on ${backend}`,
    ['worker', 'cells', 'last said'],
    workers.map((worker) => {
      const own = active.flatMap(({ progress }) => (progress?.worker === worker ? [progress] : []))
      const details = own.map(({ details }) => details.join(' ')).join('; ')
      return [escapeHtml(worker), `${own.length}`, escapeHtml(details) || '—']
    }),
  )
}
