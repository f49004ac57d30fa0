import { curvesTable, drawCurves, type Figure, linearScale, logScale, stylesOf } from '@alibi/charts'
import {
  evalLengthsOf,
  linesOfRow,
  orNotFinite,
  over,
  PLAIN,
  type PositionsLine,
  type Results,
  type Row,
  rowsOf,
  trainLengthsOf,
  wasRead,
} from '@alibi/results'
import { thousands } from '../../terminal/format.js'

/** Loss by place in the longest chunks that were read, one figure a train length. */
export function positionFigures(results: Results): Figure[] {
  const lines = results.positions.filter((line) => wasRead(line, PLAIN))
  const lengths = trainLengthsOf(lines)
  return lengths.map((trainLength) => {
    const ofLength = lines.filter((line) => line.trainLength === trainLength)
    const evalLength = evalLengthsOf(ofLength).at(-1)!
    const longest = ofLength.filter((line) => line.evalLength === evalLength)
    const rows = rowsOf(results).filter((row) => linesOfRow(longest, row).length)
    return positionFigure(
      lengths.length > 1 ? `positions-${trainLength}` : 'positions',
      { trainLength, evalLength },
      rows,
      longest,
    )
  })
}

function positionFigure(
  id: string,
  { trainLength, evalLength }: { trainLength: number; evalLength: number },
  rows: readonly Row[],
  lines: readonly PositionsLine[],
): Figure {
  const bins = lines[0]!.bins
  const middles = bins.map(({ from, to }) => Math.sqrt((from + 1) * to))
  const styles = stylesOf(rows.map(({ name }) => name))
  const losses = rows.map((row) => {
    const own = linesOfRow(lines, row)
    return bins.map((bin) => over(own, ([line]) => line!.bins.find(({ from }) => from === bin.from)?.lossNats))
  })
  const curves = rows.map(({ name }, i) => ({
    name,
    style: styles.get(name)!,
    points: losses[i]!.flatMap((loss, b) => (loss ? [{ x: middles[b]!, y: loss.mean, ...loss }] : [])),
  }))
  const points = curves.flatMap((curve) => curve.points)
  return {
    id,
    title: `Loss by position, trained at ${thousands(trainLength)} and read in chunks of ${thousands(evalLength)}`,
    caption:
      'Mean nats a token by how many tokens stand before it in its chunk. What falls at the left is the early-token curse, which every evaluation of short chunks suffers from; what rises beyond the train length is a failure to extrapolate. ' +
      `A place is a mean over ${thousands(bins[0]!.tokens)} chunks, the same for all: peaks that the curves share are of the text.`,
    description: `Loss by position. ${curves.map(({ name, points }) => `${name} has ${short(points.at(0)!.y)} at the start, ${short(points.at(-1)!.y)} at the end`).join('; ')}.`,
    table: curvesTable(
      'tokens before',
      bins.map((_, i) => i),
      rows.map(({ name }) => name),
      (bin, i) => {
        const loss = losses[i]![bin]
        return loss ? orNotFinite(loss.mean, (value) => value.toFixed(3)) : '—'
      },
      (bin) => `${thousands(bins[bin]!.from)} to ${thousands(bins[bin]!.to - 1)}`,
    ),
    aspect: 760 / 430,
    draw: (format) =>
      drawCurves(
        {
          curves,
          symbols: false,
          x: { name: 'position in the chunk, tokens', scale: logScale(middles), format: thousands },
          y: {
            name: 'nats a token',
            scale: linearScale(points.flatMap(({ low, high }) => [low, high])),
            format: (value) => String(Number(value.toPrecision(3))),
          },
          mark: { x: trainLength, label: 'train length' },
        },
        format,
      ),
  }
}

const short = (loss: number) => orNotFinite(loss, (value) => value.toFixed(2))
