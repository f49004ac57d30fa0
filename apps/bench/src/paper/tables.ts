import wrapAnsi from 'wrap-ansi'
import { paperTables } from '../report/paper/tables.js'
import { duration } from '../terminal/format.js'
import { table } from '../terminal/table.js'
import { type PaperCell, TABLES } from './cells.js'

/** What is known of a cell. */
export interface PaperCellState {
  /** Perplexity here, once it is scored. */
  readonly ours?: number | undefined
  /** Seconds that scoring it takes, if that is still to be done. */
  readonly seconds?: number | undefined
  /** Whether its checkpoint is not there. */
  readonly isMissing?: boolean
}

/** Each table of the cells: ours, the paper's, the difference and the hours that are left; no line is longer than 80 letters. */
export function paperText(cells: readonly PaperCell[], stateOf: (cell: PaperCell) => PaperCellState): string[] {
  return TABLES.flatMap((number) => {
    const rows = cells.filter((cell) => cell.table === number)
    if (!rows.length) return []
    const about = paperTables.find((each) => each.number === number)!
    return [
      ...wrapAnsi(`${/^\d+$/.test(number) ? 'Table' : 'Tables'} ${number}. ${about.title}`, 80).split('\n'),
      '',
      ...table([HEAD, ...rows.map((cell) => rowOf(cell, stateOf(cell)))]),
      '',
    ]
  })
}

const HEAD = ['text', 'trained at', 'read at', 'ours', 'paper', 'difference', 'hours left']

function rowOf(cell: PaperCell, { ours, seconds, isMissing }: PaperCellState): string[] {
  const difference = ours === undefined ? '' : signed(ours - cell.perplexity)
  const left = isMissing ? 'no checkpoint' : seconds === undefined ? '' : hours(seconds)
  return [
    cell.part,
    `${cell.trainLength}`,
    `${cell.evalLength}`,
    ours === undefined ? '' : ours.toFixed(2),
    cell.perplexity.toFixed(2),
    difference,
    left,
  ]
}

/** To the two digits that the paper gives. */
const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`

const hours = (seconds: number) => (seconds / 3600 >= 0.01 ? (seconds / 3600).toFixed(2) : '< 0.01')

/** The last line: how much is done, and how long the rest takes. */
export function summaryLine(cells: readonly PaperCell[], stateOf: (cell: PaperCell) => PaperCellState): string {
  const states = cells.map(stateOf)
  const done = states.filter(({ ours }) => ours !== undefined).length
  const missing = states.filter(({ isMissing }) => isMissing).length
  const seconds = states.reduce((sum, state) => sum + (state.seconds ?? 0), 0)
  return [
    `${done} of ${cells.length} cells`,
    ...(missing ? [`${missing} without a checkpoint`] : []),
    ...(seconds ? [`about ${duration(seconds)} left on this machine`] : []),
  ].join('; ')
}
