import type { Figure } from '@alibi/charts'
import { escapeHtml, htmlFigure, htmlTable } from '@alibi/charts/page'
import { type EvalLine, formatMean } from '@alibi/results'
import { duration, thousands } from '../terminal/format.js'
import { type CellState, cellStates } from './cell-state.js'
import { watchedFigures } from './figures.js'
import type { Watched, WatchedCell } from './folder.js'

/** What the page shows, in parts that change by themselves. */
export interface View {
  /** Changes seldom enough to be read aloud. */
  readonly status: string
  /** HTML. */
  readonly cells: string
  /** The figures of each section, in order: ids and HTML. */
  readonly sections: Readonly<Record<SectionId, readonly (readonly [id: string, html: string])[]>>
}

export const sections = { loss: 'Training loss', speed: 'Training speed', perplexity: 'Held-out perplexity' }
export type SectionId = keyof typeof sections

/** @returns makes the page's parts of what a folder has; pictures that have not changed are not drawn again */
export function viewer(): (watched: Watched, last: number) => View {
  const drawn = new Map<string, { readonly of: string; readonly html: string }>()
  const htmlOf = (figure: Figure, last: number): string => {
    const [name, of] = [`${last} ${figure.id}`, JSON.stringify(figure)]
    if (drawn.get(name)?.of !== of) drawn.set(name, { of, html: htmlFigure(figure) })
    return drawn.get(name)!.html
  }
  return (watched, last) => {
    if (watched.kind !== 'found')
      return { status: watched.message, cells: '', sections: { loss: [], speed: [], perplexity: [] } }
    const { cells, atWork, run } = watched
    const states = cellStates(cells, run.sweep === undefined)
    const figures = watchedFigures(cells, last)
    const ofSection = (id: SectionId) => figures[id].map((figure) => [figure.id, htmlOf(figure, last)] as const)
    return {
      status: statusOf(states, atWork),
      cells: cellsTable(cells, states),
      sections: { loss: ofSection('loss'), speed: ofSection('speed'), perplexity: ofSection('perplexity') },
    }
  }
}

function statusOf(states: readonly CellState[], atWork: boolean): string {
  const count = (wanted: CellState['state']) => states.filter(({ state }) => state === wanted).length
  const failed = count('failed')
  return [
    `${count('finished')} of ${states.length} cells finished`,
    ...(failed ? [`${failed} failed`] : []),
    atWork ? 'at work' : 'no process of this machine is at work',
  ].join('; ')
}

function cellsTable(cells: readonly WatchedCell[], states: readonly CellState[]): string {
  const several = new Set(cells.map(({ key }) => key.size)).size > 1
  const rows = cells.map(({ key, config, results }, i) => {
    const { state, detail } = states[i]!
    const last = results?.train.at(-1)
    const share = last && state !== 'finished' ? last.step / config.steps : undefined
    const name = [key.strategy, `L${key.trainLength}`, ...(several ? [key.size] : []), `seed ${key.seed}`].join(' ')
    const bar =
      share === undefined ? '' : ` <progress value="${share}" aria-label="steps of ${escapeHtml(name)}"></progress>`
    return [
      escapeHtml(name),
      `<span class="state ${state.replaceAll(' ', '-')}">${state}</span> ${escapeHtml(detail)}${bar}`,
      last?.lossNats.toFixed(3) ?? '—',
      last ? thousands(last.tokensPerSecond) : '—',
      last?.elapsedSeconds === undefined ? '—' : duration(last.elapsedSeconds),
      perplexities(results?.evals ?? []),
    ]
  })
  return htmlTable('Cells, in the order in which they are done', HEAD, rows)
}

const HEAD = ['cell', 'state', 'last loss, nats', 'tokens a second', 'training time', 'perplexity']

/** At the shortest and the longest length of the first protocol, e.g. `3.557 at 128, 3.459 at 2,048`. */
function perplexities(evals: readonly EvalLine[]): string {
  const own = evals
    .filter(({ protocol, attentionWindow }) => protocol === evals[0]!.protocol && attentionWindow === undefined)
    .toSorted((a, b) => a.evalLength - b.evalLength)
  const ends = own.length > 1 ? [own[0]!, own.at(-1)!] : own
  return ends.map((line) => `${formatMean(line.perplexity)} at ${thousands(line.evalLength)}`).join(', ') || '—'
}
