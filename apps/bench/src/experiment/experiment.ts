import { type CellKey, cellName, describeReading, type Results, sameReading } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import { cellKey, cellsOf } from '../config/cells.js'
import { thrownText } from '../plugins/thrown.js'
import { stepsDone } from '../run-folder/saved.js'
import { duration } from '../terminal/format.js'
import { evaluateModel } from './evaluate.js'
import { plannedEvaluations } from './evaluations.js'
import { cellSeconds } from './readings.js'
import { sameTrials, tryRetrieval } from './retrieval.js'
import { NotFiniteError, type Run, trainCell } from './train.js'
import { disposeTrainer } from './trainer.js'

/**
 * Trains every cell and evaluates it by every reading: the whole experiment. Cells and readings that the folder's results
 * have already are not done again. A cell whose loss is not finite stops; the others carry on.
 */
export async function runExperiment(run: Omit<Run, 'onStepSeconds'>): Promise<Experiment> {
  const { config, registry, folder, append, progress } = run
  const { evals, retrieval } = await readResults(folder)
  const cells = cellsOf(config)
  const stopped: string[] = []
  let told = false
  const onStepSeconds = (seconds: number) => {
    if (!told) progress.line(`about ${duration(cells.length * cellSeconds(config, seconds))} in all`)
    told = true
  }

  for (const cell of cells) {
    const planned = plannedEvaluations(cell.strategy, config, registry)
    if (planned.beyond.length)
      progress.line(
        `${cellName(cell)} has no positions beyond ${planned.maxPositions}: not evaluated at ${planned.beyond.map(describeReading).join('; ')}`,
      )
    const readings = planned.readings.filter(
      (reading) => !evals.some((line) => isOf(line, cell) && sameReading(line, reading)),
    )
    const trials = planned.trials.filter(
      (kind) => !retrieval.some((line) => isOf(line, cell) && sameTrials(line, kind)),
    )
    if (!readings.length && !trials.length && (await stepsDone(folder, config, cell)) === config.steps) continue
    const trainer = await trainCell(cell, { ...run, onStepSeconds }).catch((error: unknown) => {
      if (!(error instanceof NotFiniteError)) throw error
      progress.line(error.message)
      stopped.push(error.message)
    })
    if (!trainer) continue
    for (const reading of readings) {
      const { evalTokens: maxTokens, randomPositions, firstToken } = config
      const request = { cell: cellKey(cell, config), reading, firstToken, maxTokens, randomPositions }
      const { whole, positions } = await evaluateModel(trainer.model, run.corpus.valid, request, run).catch((error) => {
        run.signal.throwIfAborted()
        throw new Error(`evaluate ${cellName(cell)} at ${describeReading(reading)}: ${thrownText(error)}`, {
          cause: error,
        })
      })
      // The line `whole` is written last: it marks the reading as done.
      await append(positions, whole)
    }
    for (const kind of trials) await append(await tryRetrieval(trainer.model, cellKey(cell, config), kind, run))
    progress.stop()
    disposeTrainer(trainer)
  }
  return { results: await readResults(folder), stopped }
}

const isOf = (line: Pick<CellKey, 'strategy' | 'seed'>, cell: Pick<CellKey, 'strategy' | 'seed'>) =>
  line.strategy === cell.strategy && line.seed === cell.seed

/** What came of a run. */
export interface Experiment {
  readonly results: Results
  /** Why cells have stopped before their last step, a sentence each: their losses were not finite. */
  readonly stopped: readonly string[]
}
