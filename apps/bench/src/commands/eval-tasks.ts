import { type CellKey, EFFECTIVE_SCORE, effectiveLength, lineText, type TaskLine } from '@alibi/results'
import { Option } from 'commander'
import type { OpenedCheckpoint } from '../checkpoints/opened.js'
import { taskReferenceOf } from '../config/task-reference.js'
import { builtInTasks } from '../data/tasks/built-in.js'
import { expectTrustedTask, openTask } from '../data/tasks/open.js'
import type { NamedTask } from '../data/tasks/task.js'
import type { FirstToken } from '../data/tokenizer/first-token.js'
import { type Scoring, scorings, tryTask } from '../experiment/tasks.js'
import { effectiveText, nameOfTask } from '../report/task-scores.js'
import type { Progress } from '../terminal/progress.js'
import { list, number } from './options.js'

/** The options of `eval` that are about tasks. */
export const taskOptions = (): Option[] => [
  new Option(
    '--tasks <names>',
    `try it on tasks: ${builtInTasks.join(', ')}, with options, e.g. vt:hops=2, or files of your own (default, if it was trained on one: that)`,
  ).argParser(list),
  new Option('--scoring <names>', 'of tasks: likelihood, generation, or both (default: likelihood)').argParser(list),
  new Option('--trials <n>', 'of each task and length (default: 100)').argParser(number),
  new Option(
    '--threshold <score>',
    `of tasks: the lowest share of right answers that counts as reading (default: RULER's ${EFFECTIVE_SCORE})`,
  ).argParser(number),
]

export interface TaskOptions {
  readonly tasks?: readonly string[]
  readonly scoring?: readonly string[]
  readonly trials?: number
  readonly threshold?: number
  readonly evalLengths?: readonly number[]
  readonly data?: string
}

/** Values that options of tasks cannot have. */
export function checkTaskOptions({ tasks, data, scoring, trials, threshold }: TaskOptions): void {
  if (tasks && data !== undefined && taskReferenceOf(data) !== undefined)
    throw new Error(`eval: expected --tasks or --data ${data}, got both; leave one out`)
  const strange = scoring?.find((name) => !scorings.some((known) => known === name))
  if (strange !== undefined || scoring?.length === 0)
    throw new RangeError(`eval: scoring: expected ${scorings.join(', ')} or both, got ${strange ?? 'none'}`)
  if (trials !== undefined && !(Number.isInteger(trials) && trials >= 1))
    throw new RangeError(`eval: trials: expected an integer from 1 up, got ${trials}`)
  if (threshold !== undefined && !(threshold > 0 && threshold <= 1))
    throw new RangeError(`eval: threshold: expected a share above 0 and up to 1, got ${threshold}`)
}

/** Options of tasks mean nothing to held-out text. */
export function expectNoTaskOptions({ scoring, trials, threshold }: TaskOptions): void {
  const given = Object.entries({ scoring, trials, threshold }).find(([, value]) => value !== undefined)
  if (given) throw new Error(`eval: expected --tasks with --${given[0]}, got none`)
}

/**
 * The tasks that a checkpoint is to be tried on: those that were named, or the one that it was trained on; undefined for none.
 *
 * @throws Error, one line, for one that there is not, and one of a file that nobody named on this machine
 */
export async function tasksOf(
  checkpoint: Pick<OpenedCheckpoint, 'data'>,
  { tasks, data }: TaskOptions,
  read: { readonly log: (line: string) => void; readonly signal: AbortSignal },
): Promise<NamedTask[] | undefined> {
  const trained = taskReferenceOf(checkpoint.data)
  const asked = data === undefined ? undefined : taskReferenceOf(data)
  const references = tasks ?? (data === undefined ? trained : asked) ?? []
  if (tasks === undefined && data === undefined && trained !== undefined) await expectTrustedTask(trained)
  // A text to hide needles in.
  const text = asked === undefined ? (data ?? (trained === undefined ? checkpoint.data : undefined)) : undefined
  const all = [references].flat()
  const opened: NamedTask[] = []
  for (const reference of all) opened.push(await openTask(reference, { ...read, ...(text !== undefined && { text }) }))
  return opened.length ? opened : undefined
}

interface TasksRequest extends Pick<TaskOptions, 'trials' | 'threshold'> {
  readonly checkpoint: OpenedCheckpoint
  readonly cell: CellKey
  readonly tasks: readonly NamedTask[]
  readonly evalLengths: readonly number[]
  readonly firstToken: FirstToken
  readonly scoring?: readonly string[] | undefined
}

/** Prints a line of JSON for each task, length and scoring; the effective lengths go to stderr. */
export async function evaluateTasks(
  { checkpoint, cell, tasks, evalLengths, firstToken, ...options }: TasksRequest,
  work: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<TaskLine[]> {
  const { trials = 100, threshold = EFFECTIVE_SCORE } = options
  const { model, tokenizer, trainedWith } = checkpoint
  const scoring = scorings.filter((name) => (options.scoring ?? ['likelihood']).includes(name))
  const all: TaskLine[] = []
  for (const task of tasks) {
    const own: TaskLine[] = []
    for (const evalLength of evalLengths) {
      const request = { cell, task, tokenizer, firstToken, evalLength, trials, scoring, trainedWith }
      const lines = await tryTask(model, request, work)
      work.progress.stop()
      for (const line of lines) console.log(lineText(line))
      own.push(...lines)
    }
    for (const how of scoring)
      work.progress.line(
        describeReach(
          own.filter((line) => line.scoring === how),
          how,
          threshold,
        ),
      )
    all.push(...own)
  }
  return all
}

function describeReach(lines: readonly TaskLine[], scoring: Scoring, threshold: number): string {
  const reach = effectiveText(effectiveLength(lines, threshold))
  return `${nameOfTask({ task: lines[0]!.task, scoring })}: effective length ${reach}, the longest up to which ${(100 * threshold).toFixed(1)} % of answers are right; in brackets by the ends of Wilson’s 95 % intervals`
}
