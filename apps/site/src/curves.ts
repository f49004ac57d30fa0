// The curves of kept runs: docs/results/*.jsonl, as the bench writes them.
import { evalLengthsOf, linesOfRow, over, PLAIN, parseResults, rowsOf, trainLengthsOf, wasRead } from '@alibi/results'

/** One strategy's perplexity by evaluation length, the mean over seeds of its loss. */
interface Curve {
  readonly strategy: string
  readonly points: readonly { readonly evalLength: number; readonly perplexity: number }[]
}

/** The curves of models of one train length. */
export interface Curves {
  /** The name of the results' file. */
  readonly name: string
  readonly trainLength: number
  readonly seeds: number
  readonly steps: number
  readonly curves: readonly Curve[]
}

/** The non-overlapping evaluations of a file, one {@link Curves} a train length. */
export function curvesOf(name: string, text: string): Curves[] {
  const results = parseResults(text, name)
  const evals = results.evals.filter((line) => wasRead(line, PLAIN))
  const rows = rowsOf({ ...results, train: [] })
  return trainLengthsOf(evals).map((trainLength) => {
    const own = rows.filter((row) => row.trainLength === trainLength)
    const curves = own.map((row) => {
      const lines = linesOfRow(evals, row)
      const points = evalLengthsOf(lines).map((evalLength) => {
        const { mean } = over(
          lines.filter((line) => line.evalLength === evalLength),
          ([line]) => line!.lossNats,
        )!
        return { evalLength, perplexity: Math.exp(mean) }
      })
      return { strategy: row.name, points }
    })
    const seeds = new Set(evals.filter((line) => line.trainLength === trainLength).map(({ seed }) => seed)).size
    return { name, trainLength, seeds, steps: results.run.config.steps ?? 0, curves }
  })
}
