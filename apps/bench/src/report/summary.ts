import type { Results } from '../results/file.js'
import type { EvalLine } from '../results/schema.js'

/** Perplexity over seeds. */
export interface Spread {
  readonly mean: number
  /** Sample standard deviation; undefined for one seed. */
  readonly deviation: number | undefined
}

export interface StrategySummary {
  readonly strategy: string
  /** By evaluation length. */
  readonly perplexity: ReadonlyMap<number, Spread>
  /** Median over training. */
  readonly trainTokensPerSecond: number | undefined
  /** At the longest evaluation. */
  readonly evalTokensPerSecond: number | undefined
  readonly peakBytes: number | undefined
}

const isPlain = ({ protocol, attentionWindow }: EvalLine) =>
  protocol === 'nonoverlapping' && attentionWindow === undefined

/** One row a strategy, in the order of the run; of non-overlapping evaluation. */
export function summarize({ run, train, evals }: Results): StrategySummary[] {
  return run.config.strategies.map((strategy) => {
    const own = evals.filter((line) => line.strategy === strategy && isPlain(line))
    const longest = own.reduce((best, line) => (line.evalLength > (best?.evalLength ?? 0) ? line : best), own[0])
    return {
      strategy,
      perplexity: new Map(
        run.config.evalLengths.flatMap((length) => {
          const values = own.filter((line) => line.evalLength === length).map((line) => line.perplexity)
          return values.length ? [[length, spread(values)] as const] : []
        }),
      ),
      trainTokensPerSecond: median(train.filter((l) => l.strategy === strategy).map((l) => l.tokensPerSecond)),
      evalTokensPerSecond: longest?.tokensPerSecond,
      peakBytes: longest?.peakBytes,
    }
  })
}

function spread(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b) / values.length
  if (values.length === 1) return { mean, deviation: undefined }
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) }
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
