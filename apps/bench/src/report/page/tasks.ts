import { escapeHtml, htmlTable } from '@alibi/charts/page'
import { EFFECTIVE_SCORE, type Results, type Row, trainLengthsOf } from '@alibi/results'
import { thousands } from '../../terminal/format.js'
import { longName, rowTags } from '../figures/rows.js'
import { effectiveText, nameOfTask, shareText, type TaskScores, taskScores } from '../task-scores.js'

/** How far each strategy does each task, and how well beyond the train length. */
export function tasksSection(results: Results): string {
  const tasks = taskScores(results)
  if (!tasks.length) return ''
  const beyond = beyondTable(tasks)
  return `${effectiveTable(tasks)}
<p class="caption">The effective length is the longest length in tokens up to which at least ${(100 * EFFECTIVE_SCORE).toFixed(1)} % of the answers are right: RULER’s threshold. In brackets: the same for the lower and the upper ends of Wilson’s 95 % intervals of the scores, from the lowest seed’s to the highest’s. ≥: all lengths that were tried. None: not even the shortest.
${beyond}`
}

/** Rows alike in all but the task, which share a column. */
interface Column {
  readonly name: string
  readonly row: Row
}

function columnsOf(tasks: readonly TaskScores[]): Column[] {
  const rows = tasks.flatMap((each) => each.rows.map(({ row }) => row))
  const several = trainLengthsOf(rows).length > 1
  const columns = new Map(rows.map((row) => [several ? longName(row) : row.name, row]))
  return [...columns].map(([name, row]) => ({ name, row }))
}

const cellOf = (task: TaskScores, { row }: Column) =>
  task.rows.find((each) => each.row.name === row.name && each.row.trainLength === row.trainLength)

const headOf = (columns: readonly Column[]) => [
  'task',
  ...columns.map(({ name, row }) => ({ text: name, tags: rowTags(row) })),
]

function effectiveTable(tasks: readonly TaskScores[]): string {
  const columns = columnsOf(tasks)
  return htmlTable(
    'Effective length, tokens',
    headOf(columns),
    tasks.map((task) => [
      escapeHtml(nameOfTask(task)),
      ...columns.map((column) => {
        const own = cellOf(task, column)
        return own ? escapeHtml(effectiveText(own.effective)) : '—'
      }),
    ]),
  )
}

/** Mean scores over all lengths beyond the train length, each length as much; none where none was tried. */
function beyondTable(tasks: readonly TaskScores[]): string {
  const columns = columnsOf(tasks)
  const body = tasks.map((task) => ({
    task,
    means: columns.map((column) => {
      const own = cellOf(task, column)
      const scores = [...(own?.byLength ?? [])].flatMap(([length, { score }]) =>
        length > column.row.trainLength ? [score] : [],
      )
      return meanOf(scores)
    }),
  }))
  if (!body.some(({ means }) => means.some((mean) => mean !== undefined))) return ''
  const text = (mean: number | undefined) => (mean === undefined ? '—' : shareText(mean))
  const overall = columns.map((_, i) => meanOf(body.flatMap(({ means }) => means[i] ?? [])))
  return htmlTable('Right answers beyond the train length, mean over lengths', headOf(columns), [
    ...body.map(({ task, means }) => [escapeHtml(nameOfTask(task)), ...means.map(text)]),
    ...(tasks.length > 1 ? [[`all ${thousands(tasks.length)}`, ...overall.map(text)]] : []),
  ])
}

const meanOf = (values: readonly number[]): number | undefined =>
  values.length ? values.reduce((a, b) => a + b) / values.length : undefined
