import { curvesTable, drawCurves, type Figure, linearScale, stylesOf } from '@alibi/charts'
import { groupBy, linesOfRow, orNotFinite, over, type Results, rowsOf, trainLengthsOf } from '@alibi/results'
import { duration, thousands } from '../../terminal/format.js'

/** Training loss over steps, one figure a train length. */
export function trainingFigures(results: Results): Figure[] {
  const rows = rowsOf(results).filter((row) => linesOfRow(results.train, row).length)
  const lengths = trainLengthsOf(rows)
  return lengths.map((trainLength) => {
    const own = rows.filter((row) => row.trainLength === trainLength)
    const styles = stylesOf(own.map(({ name }) => name))
    const series = own.map((row) => {
      const lines = linesOfRow(results.train, row)
      const byStep = groupBy(lines, ({ step }) => step)
      const steps = [...byStep.keys()].sort((a, b) => a - b)
      const at = new Map(
        steps.map((step) => [step, over(byStep.get(step)!, (ofSeed) => ofSeed.at(-1)!.lossNats)!] as const),
      )
      return { row, at, seconds: over(lines, (ofSeed) => ofSeed.at(-1)!.elapsedSeconds) }
    })
    const steps = [...new Set(series.flatMap(({ at }) => [...at.keys()]))].sort((a, b) => a - b)
    const curves = series.map(({ row, at }) => ({
      name: row.name,
      style: styles.get(row.name)!,
      points: [...at].map(([x, { mean, low, high }]) => ({ x, y: mean, low, high })),
    }))
    const points = curves.flatMap((curve) => curve.points)
    const times = series.flatMap(({ row, seconds }) => (seconds ? [`${row.name} ${duration(seconds.mean)}`] : []))
    return {
      id: lengths.length > 1 ? `training-${trainLength}` : 'training',
      title: `Training loss, trained at ${thousands(trainLength)} tokens`,
      caption: `Nats a token, each the mean since the one before.${times.length ? ` Seconds in training steps, the mean over seeds: ${times.join(', ')}.` : ''}`,
      description: `Training loss by step. At the last step ${series.map(({ row, at }) => `${row.name} has ${exact([...at.values()].at(-1)!.mean)}`).join(', ')}.`,
      table: curvesTable(
        'step',
        steps,
        own.map(({ name }) => name),
        (step, i) => {
          const loss = series[i]!.at.get(step)
          return loss ? exact(loss.mean) : '—'
        },
        thousands,
      ),
      aspect: 760 / 380,
      draw: (format) =>
        drawCurves(
          {
            curves,
            symbols: false,
            x: { name: 'step', scale: linearScale([0, ...steps]), format: thousands },
            y: {
              name: 'nats a token',
              scale: linearScale(points.flatMap(({ low, high }) => [low, high])),
              format: (value) => String(Number(value.toPrecision(3))),
            },
          },
          format,
        ),
    }
  })
}

const exact = (loss: number) => orNotFinite(loss, (value) => value.toFixed(3))
