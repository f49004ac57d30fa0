import { ReplicaLostError } from '@alibi/backend'
import { type CellKey, cellName, type Results, sameReading } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import { type Cell, cellsOf } from '../config/cells.js'
import { dismiss, orderCell, orderEvaluation } from '../replicas/lead.js'
import { stepsDone } from '../run-folder/saved.js'
import { duration } from '../terminal/format.js'
import { evaluationsOf, isShareable, type PlannedEvaluation, plannedEvaluations } from './evaluations.js'
import { cellSeconds } from './readings.js'
import { sameTrials } from './retrieval.js'
import { NotFiniteError, type Run, trainCell } from './train.js'
import { disposeTrainer } from './trainer.js'
import { tryModel } from './try-model.js'

/**
 * Trains every cell and evaluates it by every reading: the whole experiment. Cells and readings that the folder's results
 * have already are not done again. A cell whose loss is not finite stops; the others carry on.
 */
export async function runExperiment(run: Omit<Run, 'onStepSeconds'>): Promise<Experiment> {
  const { config, registry, folder, append, progress, signal, replicas } = run
  const before = await readResults(folder)
  const cells = cellsOf(config)
  const stopped: string[] = []
  let told = false
  const onStepSeconds = (seconds: number) => {
    if (!told) progress.line(`about ${duration(cells.length * cellSeconds(config, seconds, replicas?.count))} in all`)
    told = true
  }

  for (const [number, cell] of cells.entries()) {
    const planned = plannedEvaluations(cell.strategy, config, registry)
    if (planned.beyond.length)
      progress.line(
        `${cellName(cell)} has no positions beyond ${planned.maxPositions}: not evaluated at ${planned.beyond.join('; ')}`,
      )
    const all = [...evaluationsOf(planned).entries()]
    const untried = all.filter(([, evaluation]) => !isDone(evaluation, before, cell))
    if (!untried.length && (await stepsDone(folder, config, cell)) === config.steps) continue
    if (replicas) orderCell(replicas, number)
    const trainer = await trainCell(cell, { ...run, onStepSeconds }).catch((error: unknown) => {
      if (!(error instanceof NotFiniteError)) throw error
      progress.line(error.message)
      stopped.push(error.message)
    })
    if (!trainer) continue
    try {
      for (const [index, evaluation] of untried) {
        signal.throwIfAborted()
        const together = isShareable(evaluation) ? replicas : undefined
        if (together) orderEvaluation(together, index)
        await append(...(await tryModel(trainer.model, cell, evaluation, { ...run, replicas: together })))
      }
    } catch (error) {
      // The others have ended their part with an error too, and wait for an order.
      if (replicas && !(error instanceof ReplicaLostError)) dismiss(replicas)
      throw error
    }
    progress.stop()
    disposeTrainer(trainer)
  }
  if (replicas) dismiss(replicas)
  return { results: await readResults(folder), stopped }
}

/** Whether a cell's results have it already. */
function isDone(evaluation: PlannedEvaluation, { evals, retrieval, tasks }: Results, cell: Cell): boolean {
  if ('reading' in evaluation) return evals.some((line) => isOf(line, cell) && sameReading(line, evaluation.reading))
  if ('trial' in evaluation) return retrieval.some((line) => isOf(line, cell) && sameTrials(line, evaluation.trial))
  return tasks.some((line) => isOf(line, cell) && line.evalLength === evaluation.taskLength)
}

const isOf = (line: Pick<CellKey, 'strategy' | 'seed'>, cell: Pick<CellKey, 'strategy' | 'seed'>) =>
  line.strategy === cell.strategy && line.seed === cell.seed

/** What came of a run. */
export interface Experiment {
  readonly results: Results
  /** Why cells have stopped before their last step, a sentence each: their losses were not finite. */
  readonly stopped: readonly string[]
}
