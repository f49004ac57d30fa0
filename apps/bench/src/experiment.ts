import { hasCheckpoint, readCheckpointInfo } from '@alibi/transformer'
import { type Cell, cellKey, cellName, cellsOf, checkpointFolder, disposeTrainer } from './cell.js'
import type { RunConfig } from './config.js'
import { evaluateModel } from './evaluate.js'
import { duration } from './progress.js'
import { appendResult, type Results, readResults, writeResults } from './results/file.js'
import { makeStrategy } from './strategies.js'
import { type Run, trainCell } from './train.js'

/**
 * Trains every cell and evaluates it at every length: the whole experiment. Cells and lengths that the folder's results
 * have already are not done again.
 */
export async function runExperiment(run: Omit<Run, 'onStepSeconds'>): Promise<Results> {
  const { config, folder, progress } = run
  await takeBackUnsaved(folder, config)
  const { evals } = await readResults(folder)
  const cells = cellsOf(config)
  let told = false
  const onStepSeconds = (seconds: number) => {
    if (!told) progress.line(`about ${duration(estimate(config, cells.length, seconds))} in all`)
    told = true
  }

  for (const cell of cells) {
    const lengths = evaluableLengths(cell, run).filter(
      (length) => !evals.some((line) => isOf(line, cell) && line.evalLength === length),
    )
    if (!lengths.length && (await stepsDone(folder, cell)) === config.steps) continue
    const trainer = await trainCell(cell, { ...run, onStepSeconds })
    for (const evalLength of lengths) {
      const request = { ...cellKey(cell, config), evalLength, maxTokens: config.evalTokens }
      await appendResult(folder, await evaluateModel(trainer.model, run.corpus, request, run))
    }
    progress.stop()
    disposeTrainer(trainer)
  }
  return readResults(folder)
}

const isOf = (line: { strategy: string; seed: number }, cell: Cell) =>
  line.strategy === cell.strategy && line.seed === cell.seed

/** A learned table ends at the train length: longer evaluations are left out, and said so. */
function evaluableLengths(cell: Cell, { config, progress }: Pick<Run, 'config' | 'progress'>): number[] {
  const { maxPositions = Number.POSITIVE_INFINITY } = makeStrategy(cell.strategy, config)
  const beyond = config.evalLengths.filter((length) => length > maxPositions)
  if (beyond.length)
    progress.line(`${cellName(cell)} has no positions beyond ${maxPositions}: not evaluated at ${beyond.join(', ')}`)
  return config.evalLengths.filter((length) => length <= maxPositions)
}

const stepsDone = async (folder: string, cell: Cell): Promise<number> => {
  const checkpoint = checkpointFolder(folder, cell)
  return hasCheckpoint(checkpoint) ? (await readCheckpointInfo(checkpoint)).step : 0
}

/** Steps after the last checkpoint are done again when a run goes on: their lines go. */
async function takeBackUnsaved(folder: string, config: RunConfig): Promise<void> {
  const results = await readResults(folder)
  const done = new Map<string, number>()
  for (const cell of cellsOf(config)) done.set(cellName(cell), await stepsDone(folder, cell))
  const kept = results.train.filter((line) => line.step <= (done.get(`${line.strategy}-seed${line.seed}`) ?? 0))
  await writeResults(folder, { ...results, train: kept })
}

/** Seconds for the whole run: a forward pass takes about a third of a step, a little more where it is long. */
function estimate({ steps, batchSize, trainLength, evalTokens, evalLengths }: RunConfig, cells: number, step: number) {
  const perToken = step / (batchSize * trainLength)
  return cells * (steps * step + evalLengths.length * evalTokens * perToken * 0.4)
}
