import type { Cell, Tags } from '@alibi/charts'
import { type Row, type Spread, trainLengthsOf } from '@alibi/results'
import { thousands } from '../../terminal/format.js'

/** What the page's controls pick a row's curves, bars and cells by. */
export const rowTags = ({ strategy, trainLength }: Row): Tags => ({ strategy, ...lengthTags(trainLength) })

export const lengthTags = (trainLength: number): Tags => ({ 'train-length': trainLength })

/** e.g. `trained at 64` */
export const trainedAt = (trainLength: number): string => `trained at ${thousands(trainLength)}`

/** What rows are called in tables: with the train length where there are several, e.g. `alibi, 64`. */
export function namesOf(rows: readonly Row[]): (row: Row) => string {
  return trainLengthsOf(rows).length > 1 ? longName : ({ name }) => name
}

export const longName = ({ name, trainLength }: Row): string => `${name}, ${thousands(trainLength)}`

/** A table's columns, one a row of results. */
export const columnsOf = (rows: readonly Row[], nameOf: (row: Row) => string) =>
  rows.map((row) => ({ name: nameOf(row), tags: rowTags(row) }))

/** What is shown of a spread: of thousands of them, each seed's number is not kept. */
export type SeedsValue = Pick<Spread, 'mean' | 'low' | 'high'> & { readonly bySeed: { readonly size: number } }

/** A value, with what it is a mean of: e.g. `3 seeds, 7.071 to 7.176`. */
export function seedsCell(value: SeedsValue | undefined, format: (value: number) => string, text?: string): Cell {
  if (!value) return '—'
  const { bySeed, mean, low, high } = value
  const note = bySeed.size === 1 ? 'one seed' : `${bySeed.size} seeds, ${format(low)} to ${format(high)}`
  return { text: text ?? format(mean), note }
}
