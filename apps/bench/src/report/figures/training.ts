import { curvesTable, extentOf, type Figure, linearScale, logScale } from '@alibi/charts'
import { linesOfRow, orNotFinite, over, type Results, type Row, rowsOf, type Spread, spreadOf } from '@alibi/results'
import { duration, thousands } from '../../terminal/format.js'
import { byLength, extremesOf, lengthPanels, xsOf } from './panels.js'
import { columnsOf, namesOf, type SeedsValue, seedsCell } from './rows.js'

/** A row's losses by step, each over its seeds. */
interface Losses {
  readonly row: Row
  readonly values: ReadonlyMap<number, SeedsValue>
  readonly seconds: Spread | undefined
}

/** Training loss over steps, a panel a train length. */
export function trainingFigures(results: Results): Figure[] {
  const rows = byLength(rowsOf(results).filter((row) => linesOfRow(results.train, row).length))
  if (!rows.length) return []
  const all = rows.map((row) => lossesOf(results, row))
  const nameOf = namesOf(rows)
  const steps = xsOf(all)
  // Where curves differ, most of the fall is over: the axis is logarithmic, and is not set by the first twentieth.
  const late = steps.at(-1)! / 20
  const shown = all.map(({ row, values }) => ({ row, values: new Map([...values].filter(([step]) => step >= late)) }))
  const times = all.flatMap(({ row, seconds }) => (seconds ? [`${nameOf(row)} ${duration(seconds.mean)}`] : []))
  const panels = lengthPanels(shown, {
    symbols: false,
    marked: false,
    xs: steps,
    x: { name: 'step', scale: linearScale(xsOf(shown)), format: thousands },
    y: {
      name: 'nats a token',
      scale: logOrLinear(extremesOf(shown)),
      format: (value) => String(Number(value.toPrecision(3))),
    },
  })
  return [
    {
      id: 'training',
      title: 'Training loss',
      caption: `Nats a token, each value the mean since the one before; from step ${thousands(late)} on, on a logarithmic axis.${times.length ? ` Time in training steps, the mean over seeds: ${times.join('; ')}.` : ''}`,
      description: `Training loss by step. At the last step ${all.map(({ row, values }) => `${nameOf(row)} has ${exact([...values.values()].at(-1)!.mean)}`).join(', ')}.`,
      table: curvesTable(
        'step',
        steps,
        columnsOf(rows, nameOf),
        (step, i) => seedsCell(all[i]!.values.get(step), exact),
        thousands,
      ),
      aspect: panels.length > 1 ? 480 / 340 : 760 / 380,
      panels,
    },
  ]
}

function lossesOf(results: Results, row: Row): Losses {
  const lines = linesOfRow(results.train, row)
  const byStep = new Map<number, Map<number, number>>()
  for (const { step, seed, lossNats } of lines) {
    const own = byStep.get(step) ?? new Map<number, number>()
    byStep.set(step, own.set(seed, lossNats))
  }
  const steps = [...byStep.keys()].sort((a, b) => a - b)
  const values = new Map(
    steps.map((step) => {
      const { mean, low, high, bySeed } = spreadOf(byStep.get(step)!)!
      return [step, { mean, low, high, bySeed: { size: bySeed.size } }] as const
    }),
  )
  return { row, values, seconds: over(lines, (ofSeed) => ofSeed.at(-1)!.elapsedSeconds) }
}

const exact = (loss: number) => orNotFinite(loss, (value) => value.toFixed(3))

const logOrLinear = (values: readonly number[]) => (extentOf(values)[0] > 0 ? logScale(values) : linearScale(values))
