import { curvesTable, type Figure, linearScale, logScale } from '@alibi/charts'
import {
  type ContextLine,
  evalLengthsOf,
  linesOfRow,
  orNotFinite,
  over,
  type Results,
  type Row,
  rowsOf,
  type Spread,
} from '@alibi/results'
import { thousands } from '../../terminal/format.js'
import { byLength, extremesOf, lengthPanels, xsOf } from './panels.js'
import { columnsOf, namesOf, seedsCell } from './rows.js'

type Kept = ContextLine['kept'][number]

/** What is done to the context that is not kept. */
const WAYS = {
  removed: { title: 'left out', nats: ({ removedNats }: Kept) => removedNats },
  shuffled: { title: 'in another order', nats: ({ shuffledNats }: Kept) => shuffledNats },
} as const

/** How much the loss rises with less context, in the longest windows of each row: a figure for each way. */
export const contextFigures = (results: Results): Figure[] =>
  (Object.keys(WAYS) as (keyof typeof WAYS)[]).flatMap((way) => contextFigure(results, way))

function contextFigure({ run, contexts }: Results, way: keyof typeof WAYS): Figure[] {
  const rows = byLength(rowsOf({ run, train: [], evals: [], tasks: [], contexts }))
  const { title, nats } = WAYS[way]
  const all = rows.map((row) => ({ row, values: risesOf(longestOf(contexts, row), nats) }))
  if (!all.some(({ values }) => values.size)) return []
  const nameOf = namesOf(rows)
  const xs = xsOf(all)
  const windows = [...new Set(rows.map((row) => longestOf(contexts, row)[0]!.evalLength))].sort((a, b) => a - b)
  const panels = lengthPanels(all, {
    symbols: true,
    marked: true,
    xs,
    x: { name: 'tokens kept', scale: logScale(xs, xs), format: thousands },
    y: {
      name: 'nats a token more',
      scale: linearScale([0, ...extremesOf(all)]),
      format: (value) => String(Number(value.toPrecision(3))),
    },
  })
  return [
    {
      id: `context-${way}`,
      title: `What the far context is worth: ${title}`,
      caption: `How much the loss of the last tokens of windows of ${windows.map(thousands).join(' or ')} tokens rises when all but so many tokens before them are ${title}. Where a curve is at 0, tokens further back do not help${way === 'shuffled' ? ', or their order does not' : ''}.`,
      description: `Rise of the loss by tokens kept. ${all.map(({ row, values }) => `${nameOf(row)}: ${[...values].map(([kept, { mean }]) => `${exact(mean)} with ${thousands(kept)}`).join(', ')}`).join('; ')}.`,
      table: curvesTable(
        'tokens kept',
        xs,
        columnsOf(rows, nameOf),
        (kept, i) => seedsCell(all[i]!.values.get(kept), exact),
        thousands,
      ),
      aspect: panels.length > 1 ? 480 / 340 : 760 / 400,
      panels,
    },
  ]
}

function longestOf(contexts: readonly ContextLine[], row: Row): readonly ContextLine[] {
  const own = linesOfRow(contexts, row)
  const longest = evalLengthsOf(own).at(-1)
  return own.filter(({ evalLength }) => evalLength === longest)
}

function risesOf(lines: readonly ContextLine[], nats: (kept: Kept) => number): ReadonlyMap<number, Spread> {
  const lengths = [...new Set(lines.flatMap(({ kept }) => kept.map(({ tokens }) => tokens)))].sort((a, b) => a - b)
  return new Map(
    lengths.flatMap((length) => {
      const spread = over(lines, ([line]) => {
        const own = line!.kept.find(({ tokens }) => tokens === length)
        return own && nats(own) - line!.lossNats
      })
      return spread ? [[length, spread] as const] : []
    }),
  )
}

const exact = (rise: number) => orNotFinite(rise, (value) => value.toFixed(4))
