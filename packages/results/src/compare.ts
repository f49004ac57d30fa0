import type { EvalLine } from './lines.js'
import type { Results } from './read.js'
import { describeReading, type Reading, sameReading } from './reading.js'
import { linesOfRow, type Row, readingGroups, rowsOf } from './rows.js'
import { differentSettings, type SettingDifference } from './settings.js'
import type { Spread } from './spread.js'
import { type BySeed, type PairedTest, pairedTest, significant } from './statistics.js'
import { over, type RowSummary, summarize } from './summary.js'

/** What two runs, or sweeps, differ in. */
export interface Comparison {
  /** Settings, versions and machine. */
  readonly settings: readonly SettingDifference[]
  /** At each reading that both have. */
  readonly perplexity: readonly PerplexityDifference[]
  /** Speed and memory, where both have them. */
  readonly costs: readonly CostDifference[]
  /** Models of which the other run has none; those with fewer seeds are not among them. */
  readonly onlyA: readonly Row[]
  /** As {@link Comparison.onlyA}, the other way round. */
  readonly onlyB: readonly Row[]
}

/** One strategy at one train length and size, as each of the two has it. */
export interface RowPair {
  /** The first run's row. */
  readonly a: Row
  /** The second run's row. */
  readonly b: Row
}

/** How perplexity differs at one reading. */
export interface PerplexityDifference extends Reading {
  /** The rows that are compared. */
  readonly of: RowPair
  /** Perplexity in the first run. */
  readonly a: Spread
  /** Perplexity in the second run. */
  readonly b: Spread
  /** Mean of b − a in nats a token: over the seeds that both have, or of the means if they have none in common. */
  readonly differenceNats: number
  /** The paired test of b − a; undefined with fewer than two seeds in common. */
  readonly test: PairedTest | undefined
  /** Whether the seeds bear it out: the test's verdict, with Holm's correction for all differences of the comparison. */
  readonly counts: boolean
}

/** How one cost differs. */
export interface CostDifference {
  /** The rows that are compared. */
  readonly of: RowPair
  /** Which cost. */
  readonly cost: CostName
  /** The cost in the first run. */
  readonly a: Spread
  /** The cost in the second run. */
  readonly b: Spread
}

/** What costs are called; the unit is in the name. */
const costNames = ['trainTokensPerSecond', 'evalTokensPerSecond', 'trainPeakBytes', 'peakBytes'] as const
/** One of the costs of a {@link RowSummary}. */
export type CostName = (typeof costNames)[number] & keyof RowSummary

/**
 * Compares what both have: rows of the same strategy, train length and size. What each has one of, say one size, need not be
 * the same: then that is what differs.
 */
export function compareResults(a: Results, b: Results): Comparison {
  const [rowsA, rowsB] = [rowsOf(a), rowsOf(b)]
  const decisive = (['strategy', 'trainLength', 'size', 'trainedOn'] as const).filter((key) =>
    [rowsA, rowsB].some((rows) => new Set(rows.map((row) => row[key])).size > 1),
  )
  const same = (one: Row, other: Row) => decisive.every((key) => one[key] === other[key])
  const pairs = rowsA.flatMap((row) => rowsB.filter((other) => same(row, other)).map((other) => ({ a: row, b: other })))
  const found = pairs.flatMap((pair) => perplexityDifferences(a, b, pair))
  const told = significant(found.map(({ test }) => test?.p ?? 1))
  return {
    settings: differentSettings(a.run, b.run),
    perplexity: found.map((difference, i) => ({ ...difference, counts: told[i]! })),
    costs: costDifferences(a, b, pairs),
    onlyA: rowsA.filter((row) => !rowsB.some((other) => same(row, other))),
    onlyB: rowsB.filter((row) => !rowsA.some((other) => same(row, other))),
  }
}

function perplexityDifferences(a: Results, b: Results, of: RowPair): Omit<PerplexityDifference, 'counts'>[] {
  const linesA = linesOfRow(a.evals, of.a)
  const linesB = linesOfRow(b.evals, of.b)
  const readings = linesA.filter((line, i) => linesA.findIndex((other) => sameReading(other, line)) === i)
  return readings.flatMap(({ evalLength, protocol, stride, attentionWindow }) => {
    const reading = { evalLength, protocol, stride, ...(attentionWindow !== undefined && { attentionWindow }) }
    const spread = (lines: readonly EvalLine[], key: 'perplexity' | 'lossNats') =>
      over(
        lines.filter((line) => sameReading(line, reading)),
        (own) => own.at(-1)![key],
      )
    const [ofB, nats] = [
      spread(linesB, 'perplexity'),
      { a: spread(linesA, 'lossNats')!, b: spread(linesB, 'lossNats') },
    ]
    if (!ofB || !nats.b) return []
    const test = pairedTest(nats.b.bySeed, nats.a.bySeed)
    const differenceNats = meanDifference(nats.b.bySeed, nats.a.bySeed) ?? nats.b.mean - nats.a.mean
    return [{ ...reading, of, a: spread(linesA, 'perplexity')!, b: ofB, differenceNats, test }]
  })
}

/** Over the seeds that both have. */
function meanDifference(one: BySeed, other: BySeed): number | undefined {
  const differences = [...one].flatMap(([seed, value]) => (other.has(seed) ? [value - other.get(seed)!] : []))
  return differences.length ? differences.reduce((x, y) => x + y) / differences.length : undefined
}

/** By the readings that both have, so that the longest evaluation is the same. */
function costDifferences(a: Results, b: Results, pairs: readonly RowPair[]): CostDifference[] {
  const shared = (own: Results, other: Results) => {
    const readings = new Set(other.evals.map(describeReading))
    return { ...own, evals: own.evals.filter((line) => readings.has(describeReading(line))) }
  }
  const ownA = shared(a, b)
  const ownB = shared(b, a)
  const reading = readingGroups(ownA.evals)[0]
  const summaries = (own: Results, rows: readonly Row[]) =>
    new Map(summarize(own, [...new Set(rows)], reading).map((summary) => [summary.row, summary]))
  const ofA = summaries(
    ownA,
    pairs.map((pair) => pair.a),
  )
  const ofB = summaries(
    ownB,
    pairs.map((pair) => pair.b),
  )
  return pairs.flatMap((of) =>
    costNames.flatMap((cost): CostDifference[] => {
      const costA = ofA.get(of.a)?.[cost]
      const costB = ofB.get(of.b)?.[cost]
      return costA && costB ? [{ of, cost, a: costA, b: costB }] : []
    }),
  )
}
