import { type CellKey, cellName, type TaskLine } from '@alibi/results'
import type { Model } from '@alibi/transformer'
import { type AskedTrial, askedTrial, sizeOf } from '../data/tasks/asked.js'
import { makeTrials } from '../data/tasks/fit.js'
import type { NamedTask, Trial } from '../data/tasks/task.js'
import type { FirstToken } from '../data/tokenizer/first-token.js'
import type { Tokenizer } from '../data/tokenizer/tokenizer.js'
import { thousands } from '../terminal/format.js'
import type { Progress } from '../terminal/progress.js'
import { answeredBatches, batchesOf } from './answered-batches.js'
import { type AskedOf, generatedShare } from './generated-answers.js'
import type { EvaluationWork } from './work.js'

/** Tokens of all trials from which on a graph pays: making it takes as long as some tokens op by op. */
const WORTH = 32

/** How answers are scored. */
export const scorings = ['likelihood', 'generation'] as const
export type Scoring = (typeof scorings)[number]

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
  /** Each with the same trials. Default by likelihood. */
  readonly scoring?: readonly Scoring[]
  /** The positions that it was trained with, where those of the cell are in their place. */
  readonly trainedWith?: string | undefined
}

/**
 * Has a model answer trials of a task.
 *
 * @returns a line for each way of scoring
 * @throws RangeError, one line, for a length that no trial fits in
 */
export async function tryTask(model: Model, request: TaskRequest, work: EvaluationWork): Promise<TaskLine[]> {
  const { cell, task, tokenizer, firstToken = 'none', evalLength, scoring = ['likelihood'], trainedWith } = request
  const read = new Map<Trial, AskedTrial>()
  const inTokens = (trial: Trial): AskedTrial => {
    if (!read.has(trial)) read.set(trial, askedTrial(trial, tokenizer, firstToken))
    return read.get(trial)!
  }
  const made = makeTrials(task, (trial) => sizeOf(inTokens(trial)), evalLength, request.trials)
  if (!made)
    throw new RangeError(
      `task ${task.name}: expected a length that a trial fits in, got ${evalLength} ${tokenizer.kind}; take a longer one`,
    )
  const all = made.trials.map((trial) => ({ trial, asked: inTokens(trial) }))
  const lines: TaskLine[] = []
  for (const how of scoring) {
    work.progress.start(cellName(cell), `${task.name} at ${thousands(evalLength)}, ${how}`, all.length)
    lines.push({
      type: 'task',
      ...cell,
      ...(trainedWith !== undefined && { trainedWith }),
      task: task.name,
      evalLength,
      length: made.length,
      unit: task.unit,
      scoring: how,
      trials: all.length,
      ...(how === 'likelihood'
        ? await byLikelihood(model, all, evalLength, work)
        : await byGeneration(model, all, tokenizer, work)),
    })
  }
  return lines
}

/**
 * Each token of an answer given the true ones before it: a part is right if all its tokens are first choices. Of an answer that
 * counts as a whole, that is exactly where generation at temperature 0 gives it.
 */
async function byLikelihood(
  model: Model,
  all: readonly AskedOf[],
  evalLength: number,
  work: EvaluationWork,
): Promise<Pick<TaskLine, 'score' | 'lossNats'>> {
  const texts = all.map(({ asked }) => asked)
  let [score, lossNats, tokens, tried] = [0, 0, 0, 0]
  for await (const answers of answeredBatches(model, batchesOf(texts, evalLength), work)) {
    for (const { firstChoices, lossNats: losses } of answers) {
      const { parts } = texts[tried++]!
      score += parts.filter(([from, to]) => firstChoices.subarray(from, to).every(Boolean)).length / parts.length
      lossNats += losses.reduce((sum, loss) => sum + loss, 0)
      tokens += losses.length
    }
    tell(work.progress, tried, score)
  }
  return { score: score / all.length, lossNats: lossNats / tokens }
}

async function byGeneration(
  model: Model,
  all: readonly AskedOf[],
  tokenizer: Tokenizer,
  { progress, signal }: EvaluationWork,
): Promise<Pick<TaskLine, 'score'>> {
  const onFallback = (reason: string) => progress.line(`decodes op by op: ${reason}`)
  // One graph serves all trials: a short answer alone would not be worth it.
  const compile = all.reduce((sum, { asked }) => sum + asked.room, 0) >= WORTH
  let score = 0
  for (const [i, each] of all.entries()) {
    score += await generatedShare(model, each, tokenizer, { compile, onFallback, signal })
    tell(progress, i + 1, score)
  }
  return { score: score / all.length }
}

const tell = (progress: Progress, done: number, score: number) =>
  progress.update(done, [`${((100 * score) / done).toFixed(0)} % right`])
