import { curvesTable, type Figure, logScale } from '@alibi/charts'
import type { Results, ScoreOverSeeds } from '@alibi/results'
import { thousands } from '../../terminal/format.js'
import { nameOfTask, shareText, type TaskScores, taskScores } from '../task-scores.js'
import { lengthPanels, xsOf } from './panels.js'
import { columnsOf, namesOf } from './rows.js'
import { SHARES } from './shares.js'

const HOW: Readonly<Record<string, string>> = {
  likelihood:
    'An answer is right if each of its tokens is the model’s first choice, given the true ones before it: then generation at temperature 0 gives it too.',
  generation: 'An answer is right if what is generated at temperature 0 contains it.',
}

/** The share of right answers by the length of trials: a figure a task, a panel a train length. */
export const taskFigures = (results: Results): Figure[] => taskScores(results).map(taskFigure)

function taskFigure(scores: TaskScores): Figure {
  const { task, scoring, evalLengths, describeLength } = scores
  const all = scores.rows
    .toSorted((a, b) => a.row.trainLength - b.row.trainLength)
    .map(({ row, byLength }) => ({
      row,
      byLength,
      values: new Map(
        [...byLength].map(
          ([
            length,
            {
              score,
              interval: [low, high],
            },
          ]) => [length, { mean: score, low, high }],
        ),
      ),
    }))
  const rows = all.map(({ row }) => row)
  const nameOf = namesOf(rows)
  const lengths = xsOf(all)
  const panels = lengthPanels(all, {
    symbols: true,
    marked: true,
    xs: lengths,
    x: { name: 'length of trials, tokens', scale: logScale(lengths, lengths), format: thousands },
    y: { name: 'right answers', scale: SHARES, format: shareText },
  })
  const name = nameOfTask(scores)
  return {
    id: scoring === 'likelihood' ? `task-${task}` : `task-${task}-${scoring}`,
    title: `${name}: right answers by length`,
    caption: `${HOW[scoring] ?? `Scored by ${scoring}.`} Higher is better. Bands: Wilson’s 95 % intervals, from the lowest seed’s to the highest’s. Vertical line: the train length.`,
    description: `Right answers of ${name} by length. ${all
      .map(
        ({ row, values }) =>
          `${nameOf(row)}: ${[...values].map(([length, { mean }]) => `${shareText(mean)} at ${thousands(length)}`).join(', ')}`,
      )
      .join('; ')}.`,
    table: curvesTable(
      'length, tokens',
      evalLengths,
      columnsOf(rows, nameOf),
      (length, i) => scoreCell(all[i]!.byLength.get(length)),
      describeLength,
    ),
    aspect: panels.length > 1 ? 480 / 340 : 760 / 400,
    panels,
  }
}

function scoreCell(score: ScoreOverSeeds | undefined) {
  if (!score) return '—'
  const [low, high] = score.interval
  const seeds = score.seeds === 1 ? 'one seed' : `${score.seeds} seeds`
  return { text: shareText(score.score), note: `${seeds}, interval ${shareText(low)} to ${shareText(high)}` }
}
