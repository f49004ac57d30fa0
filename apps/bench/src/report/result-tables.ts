import { thousands } from '../progress.js'
import type { Results } from '../results/file.js'
import { evalLengthsOf, PLAIN, type Reading, type Row, readingsOf, rowsOf, trainLengthsOf, wasRead } from './rows.js'
import { formatPerplexity, type Spread } from './spread.js'
import { summarize } from './summary.js'

/** A way of reading held-out text: rows are strategies × train lengths, columns evaluation lengths, then costs. */
export interface ResultTable {
  readonly reading: Reading
  readonly head: readonly string[]
  readonly body: readonly { readonly row: Row; readonly cells: readonly Cell[] }[]
}

interface Cell {
  readonly text: string
  readonly value?: Spread
}

/** One table a way of reading; the first has the costs. A run without evaluations has one all the same. */
export function resultTables(results: Results): ResultTable[] {
  const rows = rowsOf(results)
  const trainLengths = trainLengthsOf(rows)
  const several = trainLengths.length > 1
  const readings = readingsOf(results.evals)
  return (readings.length ? readings : [PLAIN]).map((reading, i) => {
    const evalLengths = evalLengthsOf(results.evals.filter((line) => wasRead(line, reading)))
    const heads = evalLengths.map((length) =>
      several ? thousands(length) : `${times(length, trainLengths[0]!)} (${thousands(length)})`,
    )
    return {
      reading,
      head: ['strategy', ...(several ? ['train length'] : []), ...heads, ...(i ? [] : ['train tokens/s'])],
      body: summarize(results, rows, reading).map((summary) => ({
        row: summary.row,
        cells: [
          { text: summary.row.name },
          ...(several ? [{ text: thousands(summary.row.trainLength) }] : []),
          ...evalLengths.map((length) => cell(summary.perplexity.get(length), formatPerplexity)),
          ...(i ? [] : [cell(summary.trainTokensPerSecond, (value) => (value ? thousands(value.mean) : '—'))]),
        ],
      })),
    }
  })
}

const cell = (value: Spread | undefined, format: (value: Spread | undefined) => string): Cell => ({
  text: format(value),
  ...(value && { value }),
})

/** e.g. `4×`, `1.5×` */
const times = (length: number, trainLength: number) => `${Number((length / trainLength).toFixed(2))}×`
