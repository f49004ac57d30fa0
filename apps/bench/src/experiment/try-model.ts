import { ReplicaLostError } from '@alibi/backend'
import { cellName, describeReading, type ResultLine } from '@alibi/results'
import type { Model } from '@alibi/transformer'
import { type Cell, cellKey } from '../config/cells.js'
import { thrownText } from '../plugins/thrown.js'
import { Interrupted } from '../terminal/interrupt.js'
import { evaluateModel } from './evaluate.js'
import { evaluateDocuments } from './evaluate-documents.js'
import type { PlannedEvaluation } from './evaluations.js'
import { type PlannedReading, TASK_TRIALS } from './readings.js'
import { tryRetrieval } from './retrieval.js'
import { tryTask } from './tasks.js'
import type { Run } from './train.js'
import type { EvaluationWork } from './work.js'

/** What the evaluations of a run share, and the replicas that do this one together. */
type EvaluationRun = Pick<Run, 'config' | 'corpus'> & EvaluationWork

/**
 * Does one evaluation of a cell.
 *
 * @returns its lines of results. The last one marks it as done
 */
export async function tryModel(
  model: Model,
  cell: Cell,
  evaluation: PlannedEvaluation,
  run: EvaluationRun,
): Promise<readonly ResultLine[]> {
  const { config, corpus, progress, signal, replicas } = run
  const work = { progress, signal, replicas }
  try {
    if ('reading' in evaluation) return await readText(model, cell, evaluation.reading, run)
    const key = cellKey(cell, config)
    if ('trial' in evaluation) return [await tryRetrieval(model, key, evaluation.trial, work)]
    const { task, tokenizer } = corpus
    const request = { cell: key, task: task!, tokenizer, evalLength: evaluation.taskLength, trials: TASK_TRIALS }
    return await tryTask(model, request, work)
  } catch (error) {
    signal.throwIfAborted()
    // A person has stopped another replica.
    if (error instanceof Error && error.name === 'AbortError') throw new Interrupted('SIGTERM')
    if (error instanceof ReplicaLostError || !('reading' in evaluation)) throw error
    const reading = describeReading(evaluation.reading)
    throw new Error(`evaluate ${cellName(cell)} at ${reading}: ${thrownText(error)}`, { cause: error })
  }
}

/** The loss of held-out text, by itself or by its documents. */
async function readText(
  model: Model,
  cell: Cell,
  reading: PlannedReading,
  { config, corpus, progress, signal, replicas }: EvaluationRun,
): Promise<readonly ResultLine[]> {
  const { evalTokens: maxTokens, randomPositions, firstToken } = config
  const request = { cell: cellKey(cell, config), reading, firstToken, maxTokens, randomPositions }
  const { valid, documentMark } = corpus
  const work = { progress, signal, replicas }
  const { positions, whole } =
    documentMark === undefined
      ? await evaluateModel(model, valid, request, work)
      : await evaluateDocuments(model, valid, { ...request, documentMark }, work)
  return [positions, whole]
}
