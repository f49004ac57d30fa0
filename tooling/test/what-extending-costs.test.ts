// The table of docs/what-extending-costs.md, made again from the results that are kept.
import { type BySeed, type EvalLine, groupBy, pairedTest, percent } from '@alibi/results'
import { expect, it } from 'vitest'
import { bySeed, mean, pageOf } from './kept-tables.js'

const { kept, rowsBelow } = pageOf('what-extending-costs.md')

it('perplexities and their changes are those of extend.jsonl', () => {
  const models = groupBy(kept('extend').evals, ({ strategy, trainLength }) => `${strategy}, ${trainLength}`)
  const losses = (lines: readonly EvalLine[], protocol: EvalLine['protocol'], length: number) =>
    bySeed(
      lines.filter((line) => line.protocol === protocol),
      length,
      ({ lossNats }) => lossNats,
    )
  const perplexity = (loss: BySeed) => mean([...loss.values()].map(Math.exp)).toPrecision(3)
  const rows = rowsBelow('Perplexity')
  expect([...rows.keys()].sort()).toEqual([...models.keys()].sort())
  const far = (name: string) => losses(models.get(name)!, 'sliding', 1024)
  for (const [name, cells] of rows) {
    const lines = models.get(name)!
    const { difference, interval } = pairedTest(far(name), far('alibi, 128'))!
    const change = `${percent(difference)} (${percent(interval[0])} to ${percent(interval[1])})`
    expect([name, ...cells]).toEqual([
      name,
      perplexity(losses(lines, 'nonoverlapping', 128)),
      perplexity(losses(lines, 'nonoverlapping', 1024)),
      perplexity(losses(lines, 'sliding', 1024)),
      perplexity(losses(lines, 'sliding', 2048)),
      name === 'alibi, 128' ? '—' : change,
    ])
  }
})
