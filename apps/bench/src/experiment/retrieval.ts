import { type CellKey, cellName, type RetrievalLine } from '@alibi/results'
import { type Model, scoreAnswers } from '@alibi/transformer'
import type { RunConfig } from '../config/schema.js'
import { ANSWER_LENGTH, makeTrials, type TaskName, trialDistances } from '../data/retrieval-texts.js'
import { sourceNamed } from '../data/sources.js'
import type { Progress } from '../terminal/progress.js'

/** Trials of each length and distance. A share of 50 trials is known within 14 points. */
const TRIALS = 50

/** Tokens read in one forward pass, as in evaluation. */
const BATCH_TOKENS = 4096

/** What tells trials of one cell from each other. */
export type TrialKind = Pick<RetrievalLine, 'evalLength' | 'distance'> & { readonly task: TaskName }

/** The trials that a run asks for: those of the task it trains on, at every length. */
export function trialKindsOf({ data, evalLengths }: RunConfig): TrialKind[] {
  const task = sourceNamed(data)?.task
  if (!task) return []
  return evalLengths.flatMap((evalLength) =>
    trialDistances(task, evalLength).map((distance) => ({ task, evalLength, distance })),
  )
}

export const sameTrials = (a: RetrievalLine, b: TrialKind) =>
  a.task === b.task && a.evalLength === b.evalLength && a.distance === b.distance

/** Has a model find what it read, as a line of results. */
export async function tryRetrieval(
  model: Model,
  cell: CellKey,
  kind: TrialKind,
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<RetrievalLine> {
  const { task, evalLength, distance } = kind
  progress.start(cellName(cell), `${task} at ${evalLength}, ${distance} back`, TRIALS)
  const rows = makeTrials(task, evalLength, distance, TRIALS).map((bytes) => Int32Array.from(bytes))
  const atATime = Math.max(1, Math.floor(BATCH_TOKENS / evalLength))
  let correct = 0
  for (let i = 0; i < rows.length; i += atATime) {
    signal.throwIfAborted()
    const texts = rows.slice(i, i + atATime).map((tokens) => ({ tokens, answerLength: ANSWER_LENGTH }))
    const scores = await scoreAnswers(model, texts)
    correct += scores.filter(({ firstChoices }) => firstChoices.every(Boolean)).length
    progress.update(Math.min(i + atATime, TRIALS), [`${correct} right`])
  }
  return { type: 'retrieval', ...cell, ...kind, correct, trials: TRIALS }
}
