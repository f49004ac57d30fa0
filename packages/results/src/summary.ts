import { groupByCell } from './cell.js'
import type { TrainLine } from './lines.js'
import type { Results } from './read.js'
import { evalLengthsOf, isRow, type ReadingGroup, type Row, wasRead } from './rows.js'
import { median, type Spread, spreadOf } from './spread.js'

/** A row's numbers, each over its seeds. */
export interface RowSummary {
  /** Whose numbers they are. */
  readonly row: Row
  /** By evaluation length. */
  readonly perplexity: ReadonlyMap<number, Spread>
  /** Each seed's median over training. */
  readonly trainTokensPerSecond: Spread | undefined
  /** In training steps, until the loss that every cell reached. */
  readonly secondsToLoss: Spread | undefined
  /** That training was resident in; undefined where cells shared a process. */
  readonly trainPeakBytes: Spread | undefined
  /** At the longest evaluation. */
  readonly evalTokensPerSecond: Spread | undefined
  /** Of tensors, at the longest evaluation. */
  readonly peakBytes: Spread | undefined
}

/** The numbers of each row that was read so; rows that were only trained come without perplexities. */
export function summarize(results: Results, rows: readonly Row[], reading: ReadingGroup | undefined): RowSummary[] {
  const common = commonLoss(results.train)
  const apart = ownProcesses(results.train)
  return rows.flatMap((row) => {
    const evals = reading ? results.evals.filter((line) => isRow(line, row) && wasRead(line, reading)) : []
    if (!evals.length && results.evals.some((line) => isRow(line, row))) return []
    const train = results.train.filter((line) => isRow(line, row))
    const longest = evals.filter((line) => line.evalLength === evalLengthsOf(evals).at(-1))
    return [
      {
        row,
        perplexity: new Map(
          evalLengthsOf(evals).map((length) => {
            const own = evals.filter((line) => line.evalLength === length)
            return [length, over(own, (lines) => lines.at(-1)!.perplexity)!] as const
          }),
        ),
        trainTokensPerSecond: over(train, (lines) => median(lines.map((line) => line.tokensPerSecond))),
        secondsToLoss: over(train, (lines) => lines.find((line) => line.lossNats <= common)?.elapsedSeconds),
        trainPeakBytes: apart ? over(train, (lines) => lines.at(-1)!.peakResidentBytes) : undefined,
        evalTokensPerSecond: over(longest, (lines) => lines.at(-1)!.tokensPerSecond),
        peakBytes: over(longest, (lines) => lines.at(-1)!.peakBytes),
      },
    ]
  })
}

/** A number of each seed's lines, over seeds. */
export function over<L extends { readonly seed: number }>(
  lines: readonly L[],
  value: (lines: readonly L[]) => number | undefined,
): Spread | undefined {
  const bySeed = new Map<number, number>()
  for (const seed of new Set(lines.map((line) => line.seed))) {
    const number = value(lines.filter((line) => line.seed === seed))
    if (number !== undefined) bySeed.set(seed, number)
  }
  return spreadOf(bySeed)
}

/** The lowest training loss that every cell reached. */
export const commonLoss = (train: readonly TrainLine[]): number =>
  Math.max(...groupByCell(train).map((lines) => Math.min(...lines.map((line) => line.lossNats))))

/** What a process was resident in at most only grows: where it falls from a cell to the next, they had processes of their own. */
function ownProcesses(train: readonly TrainLine[]): boolean {
  const peaks = groupByCell(train).map((lines) => lines.at(-1)!.peakResidentBytes ?? 0)
  return peaks.some((peak, i) => i > 0 && peak < peaks[i - 1]!)
}
