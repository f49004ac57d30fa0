import { curvesTable, type Figure, logScale, scaleFor } from '@alibi/charts'
import { PLAIN, perplexityOf, type Results, type Row, rowsOf, type Spread } from '@alibi/results'
import { published } from '../paper/published.js'
import { byLength, extremesOf, lengthPanels, type RowValues, xsOf } from './panels.js'
import { columnsOf, longName } from './rows.js'

/** Train lengths of the paper's figure 1, and the tables with its numbers. */
const PAPER = [
  { trainLength: 512, table: '2' },
  { trainLength: 1024, table: '3' },
]

/**
 * Ours and the paper's, on the same axes: perplexity relative to that at the train length, which does compare between texts
 * and models where perplexity itself does not.
 */
export function courseFigures(results: Results): Figure[] {
  const ours = byLength(rowsOf(results))
    .map((row) => relative(row, means(perplexityOf(results, row, PLAIN))))
    .filter(({ values }) => values.size > 1)
  if (!ours.length) return []
  const names = [...new Set(published.map(({ strategy }) => strategy))]
  const paper = PAPER.flatMap(({ trainLength, table }) =>
    names.map((name) => relative({ strategy: name, name, trainLength, size: '' }, publishedCourse(name, table))),
  )
  const axes = [...ours, ...paper]
  return [
    courseFigure('course', 'This run', '', ours, axes),
    courseFigure('course-paper', 'The paper', ', from its tables 2 and 3', paper, axes),
  ]
}

const means = (perplexity: ReadonlyMap<number, Spread>) =>
  new Map([...perplexity].map(([length, { mean }]) => [length, mean]))

const publishedCourse = (name: string, table: string) =>
  new Map(
    published
      .filter((each) => each.strategy === name && each.table === table)
      .map(({ evalLength, perplexity }) => [evalLength, perplexity]),
  )

/** By evaluation length in train lengths; what is not finite is left out. */
function relative(row: Row, perplexity: ReadonlyMap<number, number>): RowValues {
  const first = perplexity.get(row.trainLength)
  const values = [...perplexity].flatMap(([length, value]) => {
    if (first === undefined || !Number.isFinite(value / first)) return []
    const mean = value / first
    return [[length / row.trainLength, { mean, low: mean, high: mean }] as const]
  })
  return { row, values: new Map(values) }
}

function courseFigure(
  id: string,
  whose: string,
  from: string,
  all: readonly RowValues[],
  axes: readonly RowValues[],
): Figure {
  const rows = all.map(({ row }) => row)
  const panels = lengthPanels(all, {
    symbols: false,
    marked: false,
    xs: xsOf(all),
    x: {
      name: 'evaluation length, in train lengths',
      scale: logScale(xsOf(axes), [1, 2, 4, 8, 16, 32]),
      format: times,
    },
    y: {
      name: 'relative perplexity',
      scale: scaleFor(extremesOf(axes)),
      format: (value) => String(Number(value.toPrecision(3))),
    },
  })
  const ends = all.map(({ row, values }) => {
    const [multiple, { mean }] = [...values].at(-1)!
    return `${longName(row)} has ${mean.toFixed(2)} at ${times(multiple)}`
  })
  return {
    id,
    title: `${whose}: perplexity relative to that at the train length`,
    caption: `Non-overlapping evaluation${from}; 1 is the perplexity at the train length.`,
    description: `${whose}: perplexity relative to that at the train length. ${ends.join('; ')}.`,
    table: curvesTable(
      'evaluation length in train lengths',
      xsOf(all),
      columnsOf(rows, longName),
      (x, i) => all[i]!.values.get(x)?.mean.toFixed(3) ?? '—',
      times,
    ),
    aspect: panels.length > 1 ? 480 / 320 : 760 / 380,
    panels,
  }
}

const times = (x: number) => `${Number(x.toFixed(2))}×`
