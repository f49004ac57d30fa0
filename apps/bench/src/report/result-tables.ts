import {
  type BySeed,
  evalLengthsOf,
  formatPerplexity,
  PLAIN,
  perplexityOf,
  type ReadingGroup,
  type Results,
  type Row,
  readingGroups,
  rowsOf,
  type Spread,
  standing,
  summarize,
  trainLengthsOf,
  wasRead,
} from '@alibi/results'
import { thousands } from '../terminal/format.js'

/** A way of reading held-out text: rows are strategies × train lengths, columns evaluation lengths, then costs. */
export interface ResultTable {
  readonly reading: ReadingGroup
  readonly head: readonly string[]
  readonly rows: readonly { readonly row: Row; readonly cells: readonly Cell[] }[]
}

export interface Cell {
  readonly text: string
  /** `best`: significantly the best of its column; `level`: the lowest mean, or not significantly different from it. */
  readonly mark?: 'best' | 'level'
}

interface Value extends Cell {
  /** Lower is better. */
  readonly bySeed?: BySeed
}

/** One table a way of reading; the first has the costs. A run without evaluations has one all the same. */
export function resultTables(results: Results): ResultTable[] {
  const rows = rowsOf(results)
  const trainLengths = trainLengthsOf(rows)
  const several = trainLengths.length > 1
  const readings = readingGroups(results.evals)
  return (readings.length ? readings : [PLAIN]).map((reading, i) => {
    const evalLengths = evalLengthsOf(results.evals.filter((line) => wasRead(line, reading)))
    const heads = evalLengths.map((length) =>
      several ? thousands(length) : `${times(length, trainLengths[0]!)} (${thousands(length)})`,
    )
    const hasSpeed = i === 0 && results.train.length > 0
    // Speeds go through every line of training: once is enough.
    const summaries = hasSpeed
      ? summarize(results, rows, reading)
      : rows.flatMap((row) => {
          const perplexity = perplexityOf(results, row, reading)
          return perplexity.size ? [{ row, perplexity, trainTokensPerSecond: undefined }] : []
        })
    const body = marked(
      summaries.map(({ row, perplexity, trainTokensPerSecond: speed }) => [
        { text: row.name },
        ...(several ? [{ text: thousands(row.trainLength) }] : []),
        ...evalLengths.map((length) => {
          const value = perplexity.get(length)
          return { text: formatPerplexity(value), ...bySeed(value, Math.log) }
        }),
        ...(hasSpeed ? [{ text: speed ? thousands(speed.mean) : '—', ...bySeed(speed, (rate) => -rate) }] : []),
      ]),
    )
    return {
      reading,
      head: ['strategy', ...(several ? ['train length'] : []), ...heads, ...(hasSpeed ? ['train tokens/s'] : [])],
      rows: summaries.map(({ row }, i) => ({ row, cells: body[i]! })),
    }
  })
}

const bySeed = (value: Spread | undefined, cost: (value: number) => number) =>
  value &&
  Number.isFinite(value.mean) && { bySeed: new Map([...value.bySeed].map(([seed, each]) => [seed, cost(each)])) }

/** Marks what is best in each column; nothing where no row differs significantly from the best. */
function marked(body: readonly (readonly Value[])[]): Cell[][] {
  const marks = (body[0] ?? []).map((_, column) => {
    const losses = new Map(
      body.flatMap((cells, i) => (cells[column]!.bySeed ? [[`${i}`, cells[column]!.bySeed] as const] : [])),
    )
    const { best, undecided } = standing(losses)
    if (losses.size < 2 || undecided.length + 1 === losses.size) return new Map<string, Cell['mark']>()
    const mark = undecided.length ? 'level' : 'best'
    return new Map([best!, ...undecided].map((row) => [row, mark] as const))
  })
  return body.map((cells, i) =>
    cells.map(({ text }, column) => {
      const mark = marks[column]!.get(`${i}`)
      return { text, ...(mark && { mark }) }
    }),
  )
}

/** e.g. `4×`, `1.5×` */
const times = (length: number, trainLength: number) => `${Number((length / trainLength).toFixed(2))}×`
