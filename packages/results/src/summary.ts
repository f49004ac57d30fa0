import { groupByCell } from './cell.js'
import { groupBy } from './group.js'
import type { TrainLine } from './lines.js'
import type { Results } from './read.js'
import { evalLengthsOf, linesOfRow, type ReadingGroup, type Row, wasRead } from './rows.js'
import { median, type Spread, spreadOf } from './spread.js'

/** A row's numbers, each over its seeds. */
export interface RowSummary {
  /** Whose numbers they are. */
  readonly row: Row
  /** Perplexity by evaluation length. */
  readonly perplexity: ReadonlyMap<number, Spread>
  /** Each seed's median over training. */
  readonly trainTokensPerSecond: Spread | undefined
  /** Seconds in training steps, until the loss that every cell reached. */
  readonly secondsToLoss: Spread | undefined
  /** Peak resident bytes of training; undefined where cells shared a process. */
  readonly trainPeakBytes: Spread | undefined
  /** The speed of the longest evaluation. */
  readonly evalTokensPerSecond: Spread | undefined
  /** Peak bytes of tensors, at the longest evaluation. */
  readonly peakBytes: Spread | undefined
}

/** A row's perplexity by evaluation length, ascending; empty where it was not read so. */
export function perplexityOf(
  results: Pick<Results, 'evals'>,
  row: Row,
  reading: ReadingGroup,
): ReadonlyMap<number, Spread> {
  const evals = linesOfRow(results.evals, row).filter((line) => wasRead(line, reading))
  const byLength = groupBy(evals, ({ evalLength }) => evalLength)
  return new Map(
    evalLengthsOf(evals).map((length) => [length, over(byLength.get(length)!, (own) => own.at(-1)!.perplexity)!]),
  )
}

/** The numbers of each row that was read so; rows that were only trained come without perplexities. */
export function summarize(results: Results, rows: readonly Row[], reading: ReadingGroup | undefined): RowSummary[] {
  return rows.flatMap((row) => {
    const all = linesOfRow(results.evals, row)
    const evals = reading ? all.filter((line) => wasRead(line, reading)) : []
    if (!evals.length && all.length) return []
    const furthest = evalLengthsOf(evals).at(-1)
    const longest = evals.filter((line) => line.evalLength === furthest)
    return [
      {
        row,
        perplexity: reading ? perplexityOf(results, row, reading) : new Map(),
        ...trainNumbers(linesOfRow(results.train, row), results.train),
        evalTokensPerSecond: over(longest, (own) => own.at(-1)!.tokensPerSecond),
        peakBytes: over(longest, (own) => own.at(-1)!.peakBytes),
      },
    ]
  })
}

type TrainNumbers = Pick<RowSummary, 'trainTokensPerSecond' | 'secondsToLoss' | 'trainPeakBytes'>

/** The numbers of each row's lines, computed once because the lines are many. */
const trained = new WeakMap<readonly TrainLine[], TrainNumbers>()

function trainNumbers(lines: readonly TrainLine[], all: readonly TrainLine[]): TrainNumbers {
  const found = trained.get(lines)
  if (found) return found
  const common = commonLoss(all)
  const bySeed = groupBy(lines, ({ seed }) => seed)
  const made = {
    trainTokensPerSecond: overSeeds(bySeed, (own) => median(own.map((line) => line.tokensPerSecond))),
    secondsToLoss: overSeeds(bySeed, (own) => own.find((line) => line.lossNats <= common)?.elapsedSeconds),
    trainPeakBytes: ownProcesses(all) ? overSeeds(bySeed, (own) => own.at(-1)!.peakResidentBytes) : undefined,
  }
  trained.set(lines, made)
  return made
}

/** A number of each seed's lines, over seeds. */
export const over = <L extends { readonly seed: number }>(
  lines: readonly L[],
  value: (lines: readonly L[]) => number | undefined,
): Spread | undefined =>
  overSeeds(
    groupBy(lines, ({ seed }) => seed),
    value,
  )

function overSeeds<L>(
  lines: ReadonlyMap<number, readonly L[]>,
  value: (lines: readonly L[]) => number | undefined,
): Spread | undefined {
  const bySeed = new Map<number, number>()
  for (const [seed, own] of lines) {
    const number = value(own)
    if (number !== undefined) bySeed.set(seed, number)
  }
  return spreadOf(bySeed)
}

/** The lowest training loss that every cell reached; those that have none that is finite do not count. */
export const commonLoss = (train: readonly TrainLine[]): number => trainingOf(train).common

/** What a process was resident in at most only grows: where it falls from a cell to the next, they had processes of their own. */
const ownProcesses = (train: readonly TrainLine[]): boolean => trainingOf(train).apart

/** What all training lines have in common, computed once because the lines are many. */
const known = new WeakMap<readonly TrainLine[], { readonly common: number; readonly apart: boolean }>()

function trainingOf(train: readonly TrainLine[]) {
  const found = known.get(train)
  if (found) return found
  const cells = groupByCell(train)
  const lowest = cells
    .map((lines) => lines.map(({ lossNats }) => lossNats).filter(Number.isFinite))
    .flatMap((losses) => (losses.length ? [losses.reduce((a, b) => Math.min(a, b))] : []))
  const peaks = cells.map((lines) => lines.at(-1)!.peakResidentBytes ?? 0)
  const made = {
    common: lowest.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    apart: peaks.some((peak, i) => i > 0 && peak < peaks[i - 1]!),
  }
  known.set(train, made)
  return made
}
