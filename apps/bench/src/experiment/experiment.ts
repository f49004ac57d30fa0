import { type CellKey, cellName, describeReading, type Results, sameReading } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import type { Model } from '@alibi/transformer'
import { type Cell, cellKey, cellsOf } from '../config/cells.js'
import { thrownText } from '../plugins/thrown.js'
import { dismiss, orderCell } from '../replicas/lead.js'
import { stepsDone } from '../run-folder/saved.js'
import { duration } from '../terminal/format.js'
import { evaluateModel } from './evaluate.js'
import { evaluateDocuments } from './evaluate-documents.js'
import { type PlannedEvaluations, plannedEvaluations } from './evaluations.js'
import { cellSeconds, TASK_TRIALS } from './readings.js'
import { sameTrials, tryRetrieval } from './retrieval.js'
import { tryTask } from './tasks.js'
import { NotFiniteError, type Run, trainCell } from './train.js'
import { disposeTrainer } from './trainer.js'

/**
 * Trains every cell and evaluates it by every reading: the whole experiment. Cells and readings that the folder's results
 * have already are not done again. A cell whose loss is not finite stops; the others carry on.
 */
export async function runExperiment(run: Omit<Run, 'onStepSeconds'>): Promise<Experiment> {
  const { config, registry, folder, progress, replicas } = run
  const before = await readResults(folder)
  const cells = cellsOf(config)
  const stopped: string[] = []
  let told = false
  const onStepSeconds = (seconds: number) => {
    if (!told) progress.line(`about ${duration(cells.length * cellSeconds(config, seconds))} in all`)
    told = true
  }

  for (const [number, cell] of cells.entries()) {
    const planned = plannedEvaluations(cell.strategy, config, registry)
    if (planned.beyond.length)
      progress.line(
        `${cellName(cell)} has no positions beyond ${planned.maxPositions}: not evaluated at ${planned.beyond.join('; ')}`,
      )
    const untried = withoutDone(planned, before, cell)
    const isTried = Object.values(untried).every((list) => !list.length)
    if (isTried && (await stepsDone(folder, config, cell)) === config.steps) continue
    if (replicas) orderCell(replicas, number)
    const trainer = await trainCell(cell, { ...run, onStepSeconds }).catch((error: unknown) => {
      if (!(error instanceof NotFiniteError)) throw error
      progress.line(error.message)
      stopped.push(error.message)
    })
    if (!trainer) continue
    await tryModel(trainer.model, cell, untried, run).catch((error: unknown) => {
      if (replicas) dismiss(replicas)
      throw error
    })
    progress.stop()
    disposeTrainer(trainer)
  }
  if (replicas) dismiss(replicas)
  return { results: await readResults(folder), stopped }
}

/** What a model is to be tried by. */
type Untried = Pick<PlannedEvaluations, 'readings' | 'trials' | 'taskLengths'>

/** What a cell's results do not have yet. */
const withoutDone = (
  { readings, trials, taskLengths }: PlannedEvaluations,
  { evals, retrieval, tasks }: Results,
  cell: Cell,
): Untried => ({
  readings: readings.filter((reading) => !evals.some((line) => isOf(line, cell) && sameReading(line, reading))),
  trials: trials.filter((kind) => !retrieval.some((line) => isOf(line, cell) && sameTrials(line, kind))),
  taskLengths: taskLengths.filter((length) => !tasks.some((line) => isOf(line, cell) && line.evalLength === length)),
})

async function tryModel(
  model: Model,
  cell: Cell,
  { readings, trials, taskLengths }: Untried,
  { config, corpus, append, progress, signal }: Omit<Run, 'onStepSeconds'>,
): Promise<void> {
  const key = cellKey(cell, config)
  for (const reading of readings) {
    const { evalTokens: maxTokens, randomPositions, firstToken } = config
    const request = { cell: key, reading, firstToken, maxTokens, randomPositions }
    const { valid, documentMark } = corpus
    const evaluation =
      documentMark === undefined
        ? evaluateModel(model, valid, request, { progress, signal })
        : evaluateDocuments(model, valid, { ...request, documentMark }, { progress, signal })
    const found = await evaluation.catch((error) => {
      signal.throwIfAborted()
      throw new Error(`evaluate ${cellName(cell)} at ${describeReading(reading)}: ${thrownText(error)}`, {
        cause: error,
      })
    })
    // The line `whole` is written last: it marks the reading as done.
    await append(found.positions, found.whole)
  }
  for (const kind of trials) await append(await tryRetrieval(model, key, kind, { progress, signal }))
  for (const evalLength of taskLengths) {
    const { task, tokenizer } = corpus
    const request = { cell: key, task: task!, tokenizer, evalLength, trials: TASK_TRIALS }
    await append(...(await tryTask(model, request, { progress, signal })))
  }
}

const isOf = (line: Pick<CellKey, 'strategy' | 'seed'>, cell: Pick<CellKey, 'strategy' | 'seed'>) =>
  line.strategy === cell.strategy && line.seed === cell.seed

/** What came of a run. */
export interface Experiment {
  readonly results: Results
  /** Why cells have stopped before their last step, a sentence each: their losses were not finite. */
  readonly stopped: readonly string[]
}
