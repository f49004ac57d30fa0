import { curvesTable, drawCurves, type Figure, logScale, stylesOf } from '@alibi/charts'
import { linesOfRow, over, type Results, rowsOf, trainLengthsOf } from '@alibi/results'
import { thousands } from '../../terminal/format.js'

const TASKS = { passkey: 'Finding a passkey', copy: 'Copying what was read' } as const

/** Share of trials that found what was asked for, by how far back it stood. */
export function retrievalFigures(results: Results): Figure[] {
  const rows = rowsOf(results)
  return (Object.keys(TASKS) as (keyof typeof TASKS)[]).flatMap((task) =>
    trainLengthsOf(rows).flatMap((trainLength) => {
      const lines = results.retrieval.filter((line) => line.task === task && line.trainLength === trainLength)
      const own = rows.filter((row) => row.trainLength === trainLength && linesOfRow(lines, row).length)
      if (!own.length) return []
      const distances = [...new Set(lines.map(({ distance }) => distance))].sort((a, b) => a - b)
      const shares = own.map((row) =>
        distances.map((distance) =>
          over(
            linesOfRow(lines, row).filter((line) => line.distance === distance),
            (ofSeed) => sum(ofSeed.map(({ correct }) => correct)) / sum(ofSeed.map(({ trials }) => trials)),
          ),
        ),
      )
      const styles = stylesOf(own.map(({ name }) => name))
      const curves = own.map(({ name }, i) => ({
        name,
        style: styles.get(name)!,
        points: shares[i]!.flatMap((share, d) => (share ? [{ x: distances[d]!, y: share.mean, ...share }] : [])),
      }))
      const percent = (share: number) => `${(100 * share).toFixed(0)} %`
      return [
        {
          id: `${task}-${trainLength}`,
          title: `${TASKS[task]}, trained at ${thousands(trainLength)} tokens`,
          caption: `Trials whose every token was the model's first choice, by distance; higher is better. A low perplexity does not show this: near tokens decide most of it.`,
          description: `${TASKS[task]} by distance. ${own
            .map(
              ({ name }, i) =>
                `${name} finds ${shares[i]!.map((share, d) =>
                  share ? `${percent(share.mean)} at ${thousands(distances[d]!)}` : '',
                )
                  .filter(Boolean)
                  .join(', ')}`,
            )
            .join('; ')}.`,
          table: curvesTable(
            'distance',
            distances.map((_, i) => i),
            own.map(({ name }) => name),
            (d, i) => (shares[i]![d] ? percent(shares[i]![d].mean) : '—'),
            (d) => thousands(distances[d]!),
          ),
          aspect: 760 / 400,
          draw: (format) =>
            drawCurves(
              {
                curves,
                symbols: true,
                x: { name: 'distance, tokens', scale: logScale(distances, distances), format: thousands },
                y: {
                  name: 'trials that found it',
                  scale: { of: (v) => v, back: (v) => v, ticks: [0, 0.25, 0.5, 0.75, 1], extent: [-0.04, 1.04] },
                  format: percent,
                },
                mark: { x: trainLength, label: 'train length' },
              },
              format,
            ),
        },
      ]
    }),
  )
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
