import { curvesTable, drawCurves, type Figure, logScale, scaleFor, stylesOf, thin } from '@alibi/charts'
import {
  formatMean,
  formatPerplexity,
  type ReadingGroup,
  type Results,
  type RowSummary,
  readingGroups,
  rowsOf,
  summarize,
  trainLengthsOf,
} from '@alibi/results'
import { thousands } from '../../terminal/format.js'

/** Perplexity over evaluation length, one figure a train length and way of reading: the paper's figure 1. */
export function perplexityFigures(results: Results): Figure[] {
  const rows = rowsOf(results)
  const lengths = trainLengthsOf(rows)
  return readingGroups(results.evals).flatMap((reading, r) =>
    lengths.flatMap((trainLength) => {
      const own = rows.filter((row) => row.trainLength === trainLength)
      const summaries = summarize(results, own, reading).filter(({ perplexity }) => perplexity.size)
      const id = ['perplexity', r > 0 && slug(reading), lengths.length > 1 && trainLength].filter(Boolean).join('-')
      return summaries.length ? [perplexityFigure(id, trainLength, reading, summaries)] : []
    }),
  )
}

function perplexityFigure(
  id: string,
  trainLength: number,
  reading: ReadingGroup,
  summaries: readonly RowSummary[],
): Figure {
  const styles = stylesOf([...new Set(summaries.map(({ row }) => row.name))])
  const curves = summaries.map(({ row, perplexity }) => ({
    name: row.name,
    style: styles.get(row.name)!,
    points: [...perplexity].map(([x, { mean, low, high }]) => ({ x, y: mean, low, high })),
  }))
  const points = curves.flatMap((curve) => curve.points)
  const evalLengths = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b)
  const several = summaries.some(({ perplexity }) => [...perplexity.values()].some(({ bySeed }) => bySeed.size > 1))
  const description = summaries.map(({ row, perplexity }) => `${row.name} ${course([...perplexity])}`).join('; ')
  return {
    id,
    title: `Trained at ${thousands(trainLength)} tokens: ${reading.name}`,
    caption: `Held-out perplexity by evaluation length; lower is better.${several ? ' Bands go from the lowest to the highest seed.' : ''}`,
    description: `Perplexity by evaluation length. ${description}.`,
    table: curvesTable(
      'evaluation length',
      evalLengths,
      curves.map(({ name }) => name),
      (length, i) => formatPerplexity(summaries[i]!.perplexity.get(length)),
      thousands,
    ),
    aspect: 760 / 430,
    draw: (format) =>
      drawCurves(
        {
          curves,
          symbols: true,
          x: { name: 'evaluation length, tokens', scale: logScale(evalLengths, thin(evalLengths)), format: thousands },
          y: {
            name: 'perplexity',
            scale: scaleFor(points.flatMap(({ y, low, high }) => [y, low, high])),
            format: (value) => String(Number(value.toPrecision(4))),
          },
          mark: { x: trainLength, label: 'train length' },
        },
        format,
      ),
  }
}

/** e.g. `from 3.557 at 128 to 3.459 at 2,048` */
function course(points: readonly (readonly [number, { readonly mean: number }])[]): string {
  const say = ([length, { mean }]: (typeof points)[number]) => `${formatMean(mean)} at ${thousands(length)}`
  return points.length > 1 ? `goes from ${say(points[0]!)} to ${say(points.at(-1)!)}` : `is ${say(points[0]!)}`
}

const slug = ({ name }: ReadingGroup) => name.replaceAll(/[^a-z0-9]+/g, '-')
