import { curvesTable, drawCurves, extentOf, type Figure, linearScale, logScale, stylesOf } from '@alibi/charts'
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
    // Where curves differ, most of the fall is over: the axis is logarithmic, and is not set by the first twentieth.
    const late = (steps.at(-1) ?? 0) / 20
    const shown = curves.map((curve) => ({ ...curve, points: curve.points.filter(({ x }) => x >= late) }))
    const times = series.flatMap(({ row, seconds }) => (seconds ? [`${row.name} ${duration(seconds.mean)}`] : []))
    return {
      id: lengths.length > 1 ? `training-${trainLength}` : 'training',
      title: `Training loss, trained at ${thousands(trainLength)} tokens`,
      caption: `Nats a token, each the mean since the one before; from step ${thousands(late)} on, on a logarithmic axis.${times.length ? ` Seconds in training steps, the mean over seeds: ${times.join(', ')}.` : ''}`,
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
            curves: shown,
            symbols: false,
            x: { name: 'step', scale: linearScale(steps.filter((step) => step >= late)), format: thousands },
            y: {
              name: 'nats a token',
              scale: logOr(points.filter(({ x }) => x >= late).flatMap(({ low, high }) => [low, high])),
              format: (value) => String(Number(value.toPrecision(3))),
            },
          },
          format,
        ),
    }
  })
}

const exact = (loss: number) => orNotFinite(loss, (value) => value.toFixed(3))

const logOr = (values: readonly number[]) => (extentOf(values)[0] > 0 ? logScale(values) : linearScale(values))
