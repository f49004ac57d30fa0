import { hasCheckpoint, readCheckpointInfo } from '@alibi/transformer/node'
import { type Cell, cellKey, cellName, cellsOf, checkpointFolder, disposeTrainer } from './cell.js'
import type { RunConfig } from './config.js'
import { describeReading, evaluateModel, type Reading, readingsOf, sameReading, tokensRead } from './evaluate.js'
import { duration } from './progress.js'
import { appendResult, type Results, readResults, writeResults } from './results/file.js'
import type { CellKey } from './results/schema.js'
import { sameTrials, type TrialKind, trialKindsOf, tryRetrieval } from './retrieve.js'
import { makeStrategy } from './strategies.js'
import { type Run, trainCell } from './train.js'

/**
 * Trains every cell and evaluates it by every reading: the whole experiment. Cells and readings that the folder's results
 * have already are not done again.
 */
export async function runExperiment(run: Omit<Run, 'onStepSeconds'>): Promise<Results> {
  const { config, folder, progress } = run
  await takeBackUnsaved(folder, config)
  const { evals, retrieval } = await readResults(folder)
  const cells = cellsOf(config)
  let told = false
  const onStepSeconds = (seconds: number) => {
    if (!told) progress.line(`about ${duration(estimateSeconds(config, seconds))} in all`)
    told = true
  }

  for (const cell of cells) {
    const readings = possibleReadings(cell, run).filter(
      (reading) => !evals.some((line) => isOf(line, cell) && sameReading(line, reading)),
    )
    const trials = possibleTrials(cell, config).filter(
      (kind) => !retrieval.some((line) => isOf(line, cell) && sameTrials(line, kind)),
    )
    if (!readings.length && !trials.length && (await stepsDone(folder, cell)) === config.steps) continue
    const trainer = await trainCell(cell, { ...run, onStepSeconds })
    for (const reading of readings) {
      const { evalTokens: maxTokens, randomPositions } = config
      const request = { cell: cellKey(cell, config), reading, maxTokens, randomPositions }
      const { whole, positions } = await evaluateModel(trainer.model, run.corpus, request, run)
      // The line that says it is done comes last.
      await appendResult(folder, positions, whole)
    }
    for (const kind of trials)
      await appendResult(folder, await tryRetrieval(trainer.model, cellKey(cell, config), kind, run))
    progress.stop()
    disposeTrainer(trainer)
  }
  return readResults(folder)
}

const isOf = (line: Pick<CellKey, 'strategy' | 'seed'>, cell: Pick<CellKey, 'strategy' | 'seed'>) =>
  line.strategy === cell.strategy && line.seed === cell.seed

/** A learned table ends at the train length: longer readings are left out, and said so. */
function possibleReadings(cell: Cell, { config, progress }: Pick<Run, 'config' | 'progress'>): Reading[] {
  const { maxPositions = Number.POSITIVE_INFINITY } = makeStrategy(cell.strategy, config)
  const lastPosition = ({ protocol, evalLength }: Reading) =>
    protocol === 'streaming' ? config.evalTokens : evalLength
  const possible = (reading: Reading) => lastPosition(reading) <= maxPositions
  const all = readingsOf(config)
  const beyond = all.filter((reading) => !possible(reading)).map(describeReading)
  if (beyond.length)
    progress.line(`${cellName(cell)} has no positions beyond ${maxPositions}: not evaluated at ${beyond.join('; ')}`)
  return all.filter(possible)
}

const possibleTrials = (cell: Cell, config: RunConfig): TrialKind[] => {
  const { maxPositions = Number.POSITIVE_INFINITY } = makeStrategy(cell.strategy, config)
  return trialKindsOf(config).filter(({ evalLength }) => evalLength <= maxPositions)
}

const stepsDone = async (folder: string, cell: Cell): Promise<number> => {
  const checkpoint = checkpointFolder(folder, cell)
  return hasCheckpoint(checkpoint) ? (await readCheckpointInfo(checkpoint)).step : 0
}

/** Steps after the last checkpoint, and an evaluation whose line was cut, are done again when a run goes on: they go. */
async function takeBackUnsaved(folder: string, config: RunConfig): Promise<void> {
  const results = await readResults(folder)
  const done = new Map<string, number>()
  for (const cell of cellsOf(config)) done.set(cellName(cell), await stepsDone(folder, cell))
  const kept = results.train.filter((line) => line.step <= (done.get(`${line.strategy}-seed${line.seed}`) ?? 0))
  const positions = results.positions.filter((line) =>
    results.evals.some((whole) => isOf(whole, line) && sameReading(whole, line)),
  )
  await writeResults(folder, { ...results, train: kept, positions })
}

/**
 * Seconds for the whole run: a forward pass takes about a third of a step, a little more where it is long.
 *
 * @param step - seconds of one
 */
export function estimateSeconds(config: RunConfig, step: number): number {
  const perToken = step / (config.batchSize * config.trainLength)
  const read = tokensRead(config).reduce((sum, { tokens }) => sum + tokens, 0)
  return cellsOf(config).length * (config.steps * step + read * perToken * 0.4)
}
