import {
  type EffectiveLength,
  effectiveLength,
  evalLengthsOf,
  groupBy,
  linesOfRow,
  type Results,
  type Row,
  rowsOf,
  type ScoreOverSeeds,
  scoreOverSeeds,
  type TaskLine,
} from '@alibi/results'
import { thousands } from '../terminal/format.js'

/** One task as all rows did it, scored one way. */
export interface TaskScores {
  readonly task: string
  readonly scoring: TaskLine['scoring']
  readonly rows: readonly RowScores[]
  /** Every length that was tried, ascending, in tokens. */
  readonly evalLengths: readonly number[]
  /** e.g. `64 (20 digits)` */
  readonly describeLength: (evalLength: number) => string
}

interface RowScores {
  readonly row: Row
  readonly byLength: ReadonlyMap<number, ScoreOverSeeds>
  readonly effective: EffectiveLength
}

/** The tasks of results, those of a sweep in the order of its plan. */
export function taskScores({ run, tasks }: Pick<Results, 'run' | 'tasks'>): TaskScores[] {
  const order = (run.sweep?.tasks ?? []).map(({ name }) => name)
  const groups = [...groupBy(tasks, ({ task, scoring }) => `${task} ${scoring}`).values()]
  const placeOf = (task: string) => (order.includes(task) ? order.indexOf(task) : order.length)
  return groups.sort(([a], [b]) => placeOf(a!.task) - placeOf(b!.task)).map((lines) => scoresOf(run, lines))
}

function scoresOf(run: Results['run'], lines: readonly TaskLine[]): TaskScores {
  const { task, scoring } = lines[0]!
  const units = new Map(lines.map(({ evalLength, length, unit }) => [evalLength, { length, unit }]))
  return {
    task,
    scoring,
    rows: rowsOf({ run, train: [], evals: [], tasks: lines }).map((row) => {
      const own = linesOfRow(lines, row)
      const byLength = groupBy(own, ({ evalLength }) => evalLength)
      const scores = evalLengthsOf(own).map((length) => [length, scoreOverSeeds(byLength.get(length)!)] as const)
      return { row, byLength: new Map(scores), effective: effectiveLength(own) }
    }),
    evalLengths: evalLengthsOf(lines),
    describeLength(evalLength) {
      const { length, unit = '' } = units.get(evalLength) ?? {}
      return length === undefined ? thousands(evalLength) : `${thousands(evalLength)} (${thousands(length)} ${unit})`
    },
  }
}

/** e.g. `addition`, `niah-single-1, by generation` */
export const nameOfTask = ({ task, scoring }: Pick<TaskScores, 'task' | 'scoring'>): string =>
  scoring === 'likelihood' ? task : `${task}, by ${scoring}`

/** e.g. `93 %` */
export const shareText = (share: number): string => `${(100 * share).toFixed(0)} %`

/** e.g. `48 (32 to 64)`: the length and its interval; `≥` where the longest that was tried is read. */
export function effectiveText({ length, interval: [low, high], longest }: EffectiveLength): string {
  const text = (value: number | undefined) => (value === undefined ? 'none' : thousands(value))
  const reached = length === longest ? `≥ ${text(length)}` : text(length)
  return low === high ? reached : `${reached} (${text(low)} to ${text(high)})`
}

/** A table for terminals: rows are strategies, columns lengths in tokens. */
export function taskTable({ rows, evalLengths }: TaskScores): string[][] {
  const several = new Set(rows.map(({ row }) => row.trainLength)).size > 1
  return [
    ['strategy', ...(several ? ['train length'] : []), ...evalLengths.map(thousands), 'effective length'],
    ...rows.map(({ row, byLength, effective }) => [
      row.name,
      ...(several ? [thousands(row.trainLength)] : []),
      ...evalLengths.map((length) => (byLength.has(length) ? shareText(byLength.get(length)!.score) : '—')),
      effectiveText(effective),
    ]),
  ]
}
