import { escapeHtml, htmlTable } from '@alibi/charts/page'
import { type EvalLine, formatMean, orNotFinite, type TaskLine } from '@alibi/results'
import { duration, thousands } from '../terminal/format.js'
import type { WatchedState } from './cell-state.js'
import type { StatedCell } from './selection.js'

type Cell = StatedCell & WatchedState

/** A table that everybody sees has no more rows. */
const MOST_SHOWN = 40

/** @param cells - all there are */
const headOf = (cells: readonly Cell[]) => [
  ...['cell', 'state', 'last loss, nats', 'tokens a second', 'training time'],
  cells.some(({ key }) => key.trainedOn !== undefined) ? 'right answers' : 'perplexity',
]

/** The cells that are in progress, have failed or were stopped; all cells if there are few. */
function isShown(cells: readonly Cell[]): (cell: Cell) => boolean {
  if (cells.length <= MOST_SHOWN) return () => true
  return ({ state }) => state !== 'finished' && state !== 'to be done'
}

export function cellsTable(cells: readonly Cell[]): string {
  const shown = cells.filter(isShown(cells))
  if (!shown.length) return '<p>No cell is running.</p>'
  const order = ['training', 'evaluating', 'failed', 'stopped', 'finished', 'to be done']
  const inOrder =
    cells.length <= MOST_SHOWN ? shown : shown.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  const more = inOrder.length - MOST_SHOWN
  const table = htmlTable(
    cells.length <= MOST_SHOWN
      ? 'Cells, in the order in which they are done'
      : 'Cells that run, have failed or were stopped',
    headOf(cells),
    rowsOf(inOrder.slice(0, MOST_SHOWN), cells),
  )
  return more > 0 ? `${table}<p>${thousands(more)} more have failed or were stopped.</p>` : table
}

/** The others, folded. */
export function restTable(cells: readonly Cell[]): string {
  const shown = isShown(cells)
  const rest = cells.filter((cell) => !shown(cell))
  if (!rest.length) return ''
  const table = htmlTable('Cells that are finished or to be done', headOf(cells), rowsOf(rest, cells))
  return `<details><summary>${thousands(rest.length)} cells that are finished or to be done</summary>${table}</details>`
}

function rowsOf(shown: readonly Cell[], all: readonly Cell[]): string[][] {
  const several = new Set(all.map(({ key }) => key.size)).size > 1
  return shown.map(({ key, config, results, state, detail }) => {
    const last = results?.train.at(-1)
    const share = last && state !== 'finished' ? last.step / config.steps : undefined
    const name = [
      key.strategy,
      ...(key.trainedOn ? [key.trainedOn] : []),
      `L${key.trainLength}`,
      ...(several ? [key.size] : []),
      `seed ${key.seed}`,
    ].join(' ')
    const bar =
      share === undefined ? '' : ` <progress value="${share}" aria-label="steps of ${escapeHtml(name)}"></progress>`
    return [
      escapeHtml(name),
      `<span class="state ${state.replaceAll(' ', '-')}">${state}</span>${detail && ` ${escapeHtml(detail)}`}${bar}`,
      last ? orNotFinite(last.lossNats, (loss) => loss.toFixed(3)) : '—',
      last ? thousands(last.tokensPerSecond) : '—',
      last?.elapsedSeconds === undefined ? '—' : duration(last.elapsedSeconds),
      results?.tasks.length ? shares(results.tasks) : perplexities(results?.evals ?? []),
    ]
  })
}

/** At the shortest and the longest length, e.g. `100 % at 16, 12 % at 64`. */
function shares(tasks: readonly TaskLine[]): string {
  const own = tasks.toSorted((a, b) => a.evalLength - b.evalLength)
  const ends = own.length > 1 ? [own[0]!, own.at(-1)!] : own
  return ends.map(({ score, evalLength }) => `${(100 * score).toFixed(0)} % at ${thousands(evalLength)}`).join(', ')
}

/** At the shortest and the longest length of the first protocol, e.g. `3.557 at 128, 3.459 at 2,048`. */
function perplexities(evals: readonly EvalLine[]): string {
  const own = evals
    .filter(({ protocol, attentionWindow }) => protocol === evals[0]!.protocol && attentionWindow === undefined)
    .toSorted((a, b) => a.evalLength - b.evalLength)
  const ends = own.length > 1 ? [own[0]!, own.at(-1)!] : own
  return ends.map((line) => `${formatMean(line.perplexity)} at ${thousands(line.evalLength)}`).join(', ') || '—'
}
