import { curvesTable, type Figure, logScale } from '@alibi/charts'
import { linesOfRow, over, type Results, type RetrievalLine, rowsOf, type Spread } from '@alibi/results'
import { thousands } from '../../terminal/format.js'
import { shareText } from '../task-scores.js'
import { byLength, lengthPanels, xsOf } from './panels.js'
import { columnsOf, namesOf, seedsCell } from './rows.js'
import { SHARES } from './shares.js'

const TASKS = { passkey: 'Finding a passkey', copy: 'Copying earlier text' } as const

/** Share of trials that found what was asked for, by how far back it was: a figure a task, a panel a train length. */
export const retrievalFigures = (results: Results): Figure[] =>
  (Object.keys(TASKS) as (keyof typeof TASKS)[]).flatMap((task) => taskFigure(results, task))

function taskFigure(results: Results, task: keyof typeof TASKS): Figure[] {
  const lines = results.retrieval.filter((line) => line.task === task)
  const rows = byLength(rowsOf(results).filter((row) => linesOfRow(lines, row).length))
  if (!rows.length) return []
  const all = rows.map((row) => ({ row, values: sharesOf(linesOfRow(lines, row)) }))
  const distances = xsOf(all)
  const nameOf = namesOf(rows)
  const found = all.map(
    ({ row, values }) =>
      `${nameOf(row)} finds ${[...values].map(([distance, share]) => `${shareText(share.mean)} at ${thousands(distance)}`).join(', ')}`,
  )
  const panels = lengthPanels(all, {
    symbols: true,
    marked: true,
    xs: distances,
    x: { name: 'distance, tokens', scale: logScale(distances, distances), format: thousands },
    y: { name: 'trials that found it', scale: SHARES, format: shareText },
  })
  return [
    {
      id: task,
      title: TASKS[task],
      caption: `Trials whose every token was the model's first choice, by distance; higher is better. Perplexity does not show this: near tokens decide most of it.`,
      description: `${TASKS[task]} by distance. ${found.join('; ')}.`,
      table: curvesTable(
        'distance',
        distances,
        columnsOf(rows, nameOf),
        (distance, i) => seedsCell(all[i]!.values.get(distance), shareText),
        thousands,
      ),
      aspect: panels.length > 1 ? 480 / 340 : 760 / 400,
      panels,
    },
  ]
}

function sharesOf(lines: readonly RetrievalLine[]): ReadonlyMap<number, Spread> {
  const distances = [...new Set(lines.map(({ distance }) => distance))].sort((a, b) => a - b)
  return new Map(
    distances.flatMap((distance) => {
      const share = over(
        lines.filter((line) => line.distance === distance),
        (ofSeed) => sum(ofSeed.map(({ correct }) => correct)) / sum(ofSeed.map(({ trials }) => trials)),
      )
      return share ? [[distance, share] as const] : []
    }),
  )
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
