import { type CellKey, cellName, type TaskLine } from '@alibi/results'
import { type AnswerScore, type Model, scoreAnswers } from '@alibi/transformer'
import { type AskedTrial, askedTrial } from '../data/tasks/asked.js'
import { makeTrials } from '../data/tasks/fit.js'
import type { NamedTask } from '../data/tasks/task.js'
import type { FirstToken } from '../data/tokenizer/first-token.js'
import type { Tokenizer } from '../data/tokenizer/tokenizer.js'
import type { Progress } from '../terminal/progress.js'

/** Tokens read in one forward pass, as in evaluation. */
const BATCH_TOKENS = 4096

/** What a model is tried on, and how it reads it. */
export interface TaskRequest {
  readonly cell: CellKey
  readonly task: NamedTask
  readonly tokenizer: Tokenizer
  /** Read before each trial. Default none. */
  readonly firstToken?: FirstToken
  /** The most tokens of a trial. */
  readonly evalLength: number
  readonly trials: number
}

/**
 * Has a model answer trials of a task, each token of an answer given the true ones before it: all are its first choices exactly
 * where generation at temperature 0 gives the answer.
 *
 * @throws RangeError, one line, for a length that no trial fits in
 */
export async function tryTask(
  model: Model,
  { cell, task, tokenizer, firstToken = 'none', evalLength, trials: count }: TaskRequest,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<TaskLine> {
  progress.start(cellName(cell), `${task.name} at ${evalLength}`, count)
  const asked = new Map<object, AskedTrial>()
  const inTokens = (trial: Parameters<typeof askedTrial>[0]) => {
    if (!asked.has(trial)) asked.set(trial, askedTrial(trial, tokenizer, firstToken))
    return asked.get(trial)!
  }
  const made = makeTrials(task, (trial) => inTokens(trial).tokens.length, evalLength, count)
  if (!made) throw new RangeError(`task ${task.name}: expected a length that a trial fits in, got ${evalLength}`)
  const atATime = Math.max(1, Math.floor(BATCH_TOKENS / evalLength))
  let [score, lossNats, tokens] = [0, 0, 0]
  for (let i = 0; i < count; i += atATime) {
    signal.throwIfAborted()
    const batch = made.trials.slice(i, i + atATime).map(inTokens)
    for (const [j, answer] of (await scoreAnswers(model, batch)).entries()) {
      score += shareRight(batch[j]!, answer)
      lossNats += answer.lossNats.reduce((sum, loss) => sum + loss, 0)
      tokens += answer.lossNats.length
    }
    const done = Math.min(i + atATime, count)
    progress.update(done, [`${((100 * score) / done).toFixed(0)} % right`])
  }
  return {
    type: 'task',
    ...cell,
    task: task.name,
    evalLength,
    length: made.length,
    unit: task.unit,
    scoring: 'likelihood',
    score: score / count,
    trials: count,
    lossNats: lossNats / tokens,
  }
}

/** The share of parts whose every token is the first choice. */
const shareRight = ({ parts }: AskedTrial, { firstChoices }: AnswerScore): number =>
  parts.filter(([from, to]) => firstChoices.subarray(from, to).every(Boolean)).length / parts.length
