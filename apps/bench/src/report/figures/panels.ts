import { type Curve, type CurvesChart, drawCurves, type Panel, stylesOf } from '@alibi/charts'
import { type Row, type Spread, trainLengthsOf } from '@alibi/results'
import { lengthTags, rowTags, trainedAt } from './rows.js'

/** A row's values by x. */
export interface RowValues {
  readonly row: Row
  readonly values: ReadonlyMap<number, Pick<Spread, 'mean' | 'low' | 'high'>>
}

interface Axes extends Pick<CurvesChart, 'x' | 'y' | 'symbols'> {
  /** Every x of the figure's table, also of values that are not drawn. */
  readonly xs: readonly number[]
  /** Whether a vertical line shows the train length. */
  readonly marked: boolean
}

/** Rows as figures have them: those of a train length, which share a panel, one after another. */
export const byLength = (rows: readonly Row[]): Row[] => rows.toSorted((a, b) => a.trainLength - b.trainLength)

/** A panel a train length, all on the same axes. */
export function lengthPanels(all: readonly RowValues[], { xs, marked, ...axes }: Axes): Panel[] {
  const curves = curvesOf(all, ({ name }) => name)
  const lengths = trainLengthsOf(all.map(({ row }) => row))
  const several = lengths.length > 1
  return lengths.map((length) => {
    const first = all.findIndex(({ row }) => row.trainLength === length)
    const own = curves.slice(first, first + all.filter(({ row }) => row.trainLength === length).length)
    const chart = {
      ...axes,
      curves: own,
      table: { firstColumn: 1 + first, xs },
      ...(marked && { marks: [{ x: length, label: several ? '' : 'train length' }] }),
      ...(several && { heading: trainedAt(length) }),
    }
    return { tags: lengthTags(length), draw: (format) => drawCurves(chart, format) }
  })
}

export function curvesOf(all: readonly RowValues[], nameOf: (row: Row) => string): Curve[] {
  const styles = stylesOf([...new Set(all.map(({ row }) => row.name))])
  return all.map(({ row, values }) => ({
    name: nameOf(row),
    style: styles.get(row.name)!,
    tags: rowTags(row),
    points: [...values].map(([x, { mean, low, high }]) => ({ x, y: mean, low, high })),
  }))
}

/** Every x that a row has a value at, ascending. */
export const xsOf = (all: readonly RowValues[]): number[] =>
  [...new Set(all.flatMap(({ values }) => [...values.keys()]))].sort((a, b) => a - b)

/** The mean, the lowest and the highest seed's value of every row. */
export const extremesOf = (all: readonly RowValues[]): number[] =>
  all.flatMap(({ values }) => [...values.values()].flatMap(({ mean, low, high }) => [mean, low, high]))
