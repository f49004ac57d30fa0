// The curves of kept runs: docs/results/*.jsonl, as the bench writes them.

/** One strategy's perplexity by evaluation length, the mean over seeds of its loss. */
interface Curve {
  readonly strategy: string
  readonly points: readonly { readonly evalLength: number; readonly perplexity: number }[]
}

/** The curves of models of one train length. */
export interface Curves {
  /** Of the results' file. */
  readonly name: string
  readonly trainLength: number
  readonly seeds: number
  readonly steps: number
  readonly curves: readonly Curve[]
}

interface Evaluation {
  readonly type: 'eval'
  readonly strategy: string
  readonly seed: number
  readonly trainLength: number
  readonly evalLength: number
  readonly protocol: string
  readonly lossNats: number
}
interface Run {
  readonly type: 'run'
  readonly config: { readonly steps: number }
}

/** The non-overlapping evaluations of a file, one {@link Curves} a train length. */
export function curvesOf(name: string, text: string): Curves[] {
  const lines: (Run | Evaluation | { readonly type: 'train' })[] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const run = lines.find((line) => line.type === 'run')
  if (!run) throw new Error(`curvesOf: expected a line of type run in ${name}, got none; keep the whole results.jsonl`)
  const evaluations = lines.filter((line) => line.type === 'eval').filter((e) => e.protocol === 'nonoverlapping')
  const trainLengths = [...new Set(evaluations.map((e) => e.trainLength))].sort((a, b) => a - b)
  return trainLengths.map((trainLength) => {
    const mine = evaluations.filter((e) => e.trainLength === trainLength)
    const curves = [...new Set(mine.map((e) => e.strategy))].map((strategy) => {
      const own = mine.filter((e) => e.strategy === strategy)
      const lengths = [...new Set(own.map((e) => e.evalLength))].sort((a, b) => a - b)
      const points = lengths.map((evalLength) => {
        const losses = own.filter((e) => e.evalLength === evalLength).map((e) => e.lossNats)
        return { evalLength, perplexity: Math.exp(losses.reduce((a, b) => a + b, 0) / losses.length) }
      })
      return { strategy, points }
    })
    const seeds = new Set(mine.map((e) => e.seed)).size
    return { name, trainLength, seeds, steps: run.config.steps, curves }
  })
}
