import { curvesTable, type Figure, linearScale, logScale } from '@alibi/charts'
import {
  evalLengthsOf,
  linesOfRow,
  orNotFinite,
  over,
  PLAIN,
  type PositionsLine,
  type Results,
  rowsOf,
  type Spread,
  trainLengthsOf,
  wasRead,
} from '@alibi/results'
import { thousands } from '../../terminal/format.js'
import { byLength, extremesOf, lengthPanels, xsOf } from './panels.js'
import { columnsOf, namesOf, seedsCell, trainedAt } from './rows.js'

type Bin = PositionsLine['bins'][number]

/** Loss by position in the longest chunks that were read, a panel a train length. */
export function positionFigures(results: Results): Figure[] {
  const lines = longestOf(results.positions.filter((line) => wasRead(line, PLAIN)))
  const rows = byLength(rowsOf(results).filter((row) => linesOfRow(lines, row).length))
  if (!rows.length) return []
  const all = rows.map((row) => ({ row, values: lossesOf(linesOfRow(lines, row)) }))
  const bins = new Map(lines.flatMap((line) => line.bins.map((bin) => [middleOf(bin), bin] as const)))
  const nameOf = namesOf(rows)
  const chunks = trainLengthsOf(rows).map((length) => {
    const [line] = lines.filter(({ trainLength }) => trainLength === length)
    return `${thousands(line!.evalLength)} (${trainedAt(length)}; a value is a mean over ${thousands(line!.bins[0]!.tokens)} chunks)`
  })
  const ends = all.map(({ row, values }) => {
    const losses = [...values.values()].map(({ mean }) => short(mean))
    return `${nameOf(row)} has ${losses[0]} at the start, ${losses.at(-1)} at the end`
  })
  const panels = lengthPanels(all, {
    symbols: false,
    marked: true,
    xs: xsOf(all),
    x: { name: 'position in the chunk, tokens', scale: logScale(xsOf(all)), format: thousands },
    y: {
      name: 'nats a token',
      scale: linearScale(extremesOf(all)),
      format: (value) => String(Number(value.toPrecision(3))),
    },
  })
  return [
    {
      id: 'positions',
      title: 'Loss by position in the longest chunks',
      caption: `Mean nats a token by the number of tokens before it in its chunk, in chunks of ${chunks.join(' and ')}. The fall at the left is the early-token curse: tokens with little context. A rise beyond the train length is a failure to extrapolate. All rows read the same chunks: peaks that they share come from the text.`,
      description: `Loss by position. ${ends.join('; ')}.`,
      table: curvesTable(
        'tokens before',
        xsOf(all),
        columnsOf(rows, nameOf),
        (x, i) => seedsCell(all[i]!.values.get(x), exact),
        (x) => placesText(bins.get(x)!),
      ),
      aspect: panels.length > 1 ? 480 / 360 : 760 / 430,
      panels,
    },
  ]
}

/** e.g. `16 to 31` */
const placesText = ({ from, to }: { readonly from: number; readonly to: number }) =>
  to - from === 1 ? thousands(from) : `${thousands(from)} to ${thousands(to - 1)}`

/** The lines of each train length's longest evaluation. */
const longestOf = (lines: readonly PositionsLine[]): PositionsLine[] =>
  trainLengthsOf(lines).flatMap((length) => {
    const own = lines.filter(({ trainLength }) => trainLength === length)
    const longest = evalLengthsOf(own).at(-1)
    return own.filter(({ evalLength }) => evalLength === longest)
  })

function lossesOf(lines: readonly PositionsLine[]): ReadonlyMap<number, Spread> {
  return new Map(
    lines[0]!.bins.flatMap((bin) => {
      const loss = over(lines, ([line]) => line!.bins.find(({ from }) => from === bin.from)?.lossNats)
      return loss ? [[middleOf(bin), loss] as const] : []
    }),
  )
}

/** The middle of a bin on a logarithmic axis. */
const middleOf = ({ from, to }: Bin) => Math.sqrt((from + 1) * to)

const exact = (loss: number) => orNotFinite(loss, (value) => value.toFixed(3))
const short = (loss: number) => orNotFinite(loss, (value) => value.toFixed(2))
