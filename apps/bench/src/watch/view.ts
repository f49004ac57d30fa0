import type { Figure } from '@alibi/charts'
import { escapeHtml, htmlFigure } from '@alibi/charts/page'
import { duration, thousands } from '../terminal/format.js'
import { cellStates, type WatchedState } from './cell-state.js'
import { cellsTable, restTable } from './cells-table.js'
import { watchedFigures } from './figures.js'
import type { Watched } from './folder.js'
import { type WholeProgress, wholeProgress } from './progress.js'

/** What the page shows, in parts that change by themselves. */
export interface View {
  /** Changes seldom enough to be read aloud. */
  readonly status: string
  /** HTML: a bar of all cells together, and the time left. */
  readonly whole: string
  /** HTML: the cells that are worked on, or want somebody to look. */
  readonly cells: string
  /** HTML: all the others, folded. */
  readonly rest: string
  /** The figures of each section, in order: ids and HTML. */
  readonly sections: Readonly<Partial<Record<SectionId, readonly (readonly [id: string, html: string])[]>>>
}

export const sections = {
  loss: 'Training loss',
  speed: 'Training speed',
  perplexity: 'Held-out perplexity, or right answers',
}
export type SectionId = keyof typeof sections

const nothing: Omit<View, 'status'> = {
  whole: '',
  cells: '',
  rest: '',
  sections: { loss: [], speed: [], perplexity: [] },
}

/** @returns makes the page's parts of what a folder has; what has not changed is neither made nor drawn again */
export function viewer(): (watched: Watched, last: number) => View {
  const made = new Map<number, { readonly of: Watched; readonly view: View }>()
  const drawn = new Map<string, { readonly from: string; readonly html: string }>()
  const htmlOf = (figure: Figure, from: string, last: number): string => {
    const name = `${last} ${figure.id}`
    if (drawn.get(name)?.from !== from) drawn.set(name, { from, html: htmlFigure(figure) })
    return drawn.get(name)!.html
  }
  const viewOf = (watched: Watched, last: number): View => {
    if (watched.kind !== 'found') return { ...nothing, status: watched.message }
    const { cells, run } = watched
    const states = cellStates(cells, run.sweep === undefined)
    const stated = cells.map((cell, i) => ({ ...cell, ...states[i]! }))
    const figures = watchedFigures(stated, last)
    const ofSection = (id: SectionId) =>
      figures[id].map(({ figure, from }) => [figure.id, htmlOf(figure, from, last)] as const)
    return {
      status: statusOf(watched, states),
      whole: wholeBar(wholeProgress(cells, states)),
      cells: cellsTable(stated),
      rest: restTable(stated),
      sections: { loss: ofSection('loss'), speed: ofSection('speed'), perplexity: ofSection('perplexity') },
    }
  }
  return (watched, last) => {
    if (made.get(last)?.of !== watched) made.set(last, { of: watched, view: viewOf(watched, last) })
    return made.get(last)!.view
  }
}

function statusOf({ atWork, unread }: Watched & { kind: 'found' }, states: readonly WatchedState[]): string {
  const count = (...wanted: WatchedState['state'][]) => states.filter(({ state }) => wanted.includes(state)).length
  const parts = [`${thousands(count('finished'))} of ${thousands(states.length)} cells finished`]
  if (count('training', 'evaluating')) parts.push(`${thousands(count('training', 'evaluating'))} running`)
  if (count('failed')) parts.push(`${thousands(count('failed'))} failed`)
  if (unread)
    parts.push(
      'cells' in unread
        ? `reading the results of ${thousands(unread.cells)} more`
        : `reading ${thousands(Math.ceil(unread.bytes / 1e6))} MB more of results`,
    )
  if (!atWork && !count('training', 'evaluating') && count('finished') < states.length)
    parts.push('no process on this machine is working in this folder')
  return parts.join('; ')
}

function wholeBar({ share, secondsLeft }: WholeProgress): string {
  const text = `${Math.floor(100 * share)} % of the work${secondsLeft === undefined ? '' : `, about ${duration(secondsLeft)} left`}`
  return `<progress value="${share.toFixed(4)}" aria-label="all cells together"></progress> ${escapeHtml(text)}`
}
