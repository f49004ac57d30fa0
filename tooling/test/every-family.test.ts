// The two tables of docs/every-family.md, made again from the results that are kept.
import { type BySeed, evalLengthsOf, groupBy, pairedTest, percent } from '@alibi/results'
import { expect, it } from 'vitest'
import { bySeed, mean, pageOf } from './kept-tables.js'

const { kept, rowsBelow } = pageOf('every-family.md')

/** Halves go up, also those that a mean has missed by a last digit. */
const percentOf = (share: number) => Math.round(100 * share + 1e-9)
it('perplexities and their changes are those of families.jsonl', () => {
  const evals = groupBy(kept('families').evals, ({ strategy }) => strategy)
  const losses = (name: string, length: number) => bySeed(evals.get(name)!, length, ({ lossNats }) => lossNats)
  const change = (a: BySeed, b: BySeed) => {
    const { difference, interval } = pairedTest(a, b)!
    return `${percent(difference)} (${percent(interval[0])} to ${percent(interval[1])})`
  }
  const rows = rowsBelow('Perplexity')
  expect([...rows.keys()].sort()).toEqual([...evals.keys()].sort())
  const ends = [...rows.keys()].map((name) => mean([...losses(name, 1024).values()].map(Math.exp)))
  expect(ends).toEqual(ends.toSorted((a, b) => a - b))
  for (const [name, cells] of rows) {
    const [short, long] = [losses(name, 64), losses(name, 1024)]
    const perplexity = (loss: BySeed) => mean([...loss.values()].map(Math.exp)).toPrecision(4)
    const against = (length: number) => (name === 'alibi' ? '—' : change(losses(name, length), losses('alibi', length)))
    expect([name, ...cells]).toEqual([
      ...[name, perplexity(short), perplexity(long), change(long, short)],
      ...[against(64), against(1024)],
    ])
  }
})

it('right answers are those of families-retrieval.jsonl', () => {
  const tasks = groupBy(kept('families-retrieval').tasks, ({ strategy }) => strategy)
  const rows = rowsBelow('Retrieval')
  expect([...rows.keys()].sort()).toEqual([...tasks.keys()].sort())
  for (const [name, cells] of rows) {
    const lines = tasks.get(name)!
    const shares = evalLengthsOf(lines).map((length) => {
      const scores = [...bySeed(lines, length, ({ score }) => score).values()]
      const [of, low, high] = [mean(scores), Math.min(...scores), Math.max(...scores)].map(percentOf)
      return low === high ? `${of} %` : `${of} % (${low}–${high})`
    })
    expect([name, ...cells]).toEqual([name, ...shares])
  }
})
