import { type CellKey, cellName, type RetrievalLine } from '@alibi/results'
import type { Model } from '@alibi/transformer'
import type { RunConfig } from '../config/schema.js'
import { ANSWER_LENGTH, makeTrials, type TaskName, trialDistances } from '../data/retrieval-texts.js'
import { sourceNamed } from '../data/sources.js'
import { answeredBatches, batchesOf } from './answered-batches.js'
import type { EvaluationWork } from './work.js'

/** Trials of each length and distance. A share of 50 trials is known within 14 points. */
const TRIALS = 50

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
  work: EvaluationWork,
): Promise<RetrievalLine> {
  const { task, evalLength, distance } = kind
  const { progress } = work
  progress.start(cellName(cell), `${task} at ${evalLength}, ${distance} back`, TRIALS)
  const texts = makeTrials(task, evalLength, distance, TRIALS).map((bytes) => ({
    tokens: Int32Array.from(bytes),
    answerLength: ANSWER_LENGTH,
  }))
  let [correct, tried] = [0, 0]
  for await (const scores of answeredBatches(model, batchesOf(texts, evalLength), work)) {
    correct += scores.filter(({ firstChoices }) => firstChoices.every(Boolean)).length
    tried += scores.length
    progress.update(tried, [`${correct} right`])
  }
  return { type: 'retrieval', ...cell, ...kind, correct, trials: TRIALS }
}
