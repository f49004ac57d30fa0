import { thousands } from './format.js'
import { changed, evidenceOf, type Judgement, noHigherThan, notMeasured, together } from './judgement.js'
import { lengthsRead, lossesAt, reachOf } from './reach.js'
import type { Results } from './read.js'
import { evalLengthsOf, linesOfRow, PLAIN, type Row, readingGroups, rowsOf, wasRead } from './rows.js'
import { median } from './spread.js'
import { over } from './summary.js'

/** Something that the paper found, looked for in a run. */
export interface Finding extends Judgement {
  /** What the paper says, a sentence. */
  readonly claim: string
}

/** A change up to this counts as none: 1 % of perplexity. */
const KEPT = 0.01
/** The paper's own sliding windows drift by as much (its tables 13 to 15: 17.98 to 18.30). */
const FLAT = 0.02
/** Tens of tokens. */
const TENS = 100

/**
 * Whether the paper's findings show in a run: each is judged at every train length, by the seeds. Those about strategies that
 * the run does not have are left out.
 */
export function checkFindings(results: Results): Finding[] {
  const rows = rowsOf(results)
  const of = (strategy: string) => rows.filter((row) => row.strategy === strategy)
  const judge = (claim: string, judgements: readonly Judgement[]): Finding[] =>
    judgements.length ? [{ claim, ...together(judgements) }] : []
  const rivals = [...of('rotary'), ...of('t5-bias')]
  const each = (strategy: string, check: (row: Row) => Judgement) => of(strategy).map(check)
  return [
    ...judge(
      'Sinusoidal positions degrade within tens of tokens past the train length',
      each('sinusoidal', (row) => degradesSoon(results, row)),
    ),
    ...judge(
      'Rotary positions and the T5 bias go further than sinusoidal ones',
      rivals.length ? each('sinusoidal', (row) => othersGoFurther(results, row, rivals)) : [],
    ),
    ...judge(
      'ALiBi keeps or improves its perplexity up to 16 times the train length',
      each('alibi', (row) => keepsItsLoss(results, row)),
    ),
    ...judge(
      'ALiBi trained at L is at least as good at 2L as sinusoidal positions trained at 2L, and cheaper',
      of('sinusoidal').length ? each('alibi', (row) => replacesLongTraining(results, row, of('sinusoidal'))) : [],
    ),
    ...judge(
      'Under a sliding window ALiBi is flat: it gains nothing from longer windows, and loses nothing',
      each('alibi', (row) => isFlat(results, row)),
    ),
  ]
}

function degradesSoon(results: Results, row: Row): Judgement {
  const { trainLength } = row
  const lines = linesOfRow(results.positions, row).filter(
    (line) => wasRead(line, PLAIN) && line.evalLength >= trainLength + TENS / 2,
  )
  // The shortest has the most chunks, so the most tokens there.
  const [evalLength] = evalLengthsOf(lines)
  const shortest = lines.filter((line) => line.evalLength === evalLength)
  const within = (from: number, to: number) =>
    over(shortest, ([line]) => {
      const bins = line!.bins.filter((bin) => bin.from >= from && bin.to <= to)
      const tokens = bins.reduce((sum, bin) => sum + bin.tokens, 0)
      return tokens ? bins.reduce((sum, bin) => sum + bin.lossNats * bin.tokens, 0) / tokens : undefined
    })?.bySeed
  const [before, after] = [within(trainLength / 2, trainLength), within(trainLength, trainLength + TENS)]
  if (!before || !after) return notMeasured(at(row), 'no loss by position just past the train length')
  return changed(`${at(row)}, the ${TENS} tokens past it against those before`, after, before, ([low, high]) =>
    low > 0 ? 'holds' : high <= 0 ? 'does not hold' : 'inconclusive',
  )
}

function othersGoFurther(results: Results, sinusoidal: Row, others: readonly Row[]): Judgement {
  const { trainLength } = sinusoidal
  const rivals = others.filter((row) => row.trainLength === trainLength && row.size === sinusoidal.size)
  if (!rivals.length) return notMeasured(at(sinusoidal), 'nothing to compare sinusoidal positions with')
  return together(
    rivals.map((row) =>
      changed(
        `${at(row)}, the length at which perplexity is 10 % higher, ${row.name} against sinusoidal`,
        reachOf(results, row),
        reachOf(results, sinusoidal),
        ([low, high]) => (low > 0 ? 'holds' : high <= 0 ? 'does not hold' : 'inconclusive'),
      ),
    ),
  )
}

function keepsItsLoss(results: Results, row: Row): Judgement {
  const furthest = 16 * row.trainLength
  const lengths = lengthsRead(results, row, PLAIN).filter((length) => length > row.trainLength && length <= furthest)
  const judgements = lengths.map((length) =>
    changed(
      `${at(row)}, ${thousands(length)} against ${thousands(row.trainLength)}`,
      lossesAt(results, row, PLAIN, length),
      lossesAt(results, row, PLAIN, row.trainLength),
      noHigherThan(KEPT),
    ),
  )
  const all = together(judgements)
  if (all.verdict !== 'does not hold' && !lengths.includes(furthest))
    return notMeasured(at(row), `not evaluated at ${thousands(furthest)}`)
  if (all.missing) return all
  const decisive = judgements.filter(({ verdict }) => verdict === 'does not hold' || verdict === 'inconclusive')
  return { verdict: all.verdict, evidence: evidenceOf(decisive.length ? decisive : judgements.slice(-1)) }
}

function replacesLongTraining(results: Results, alibi: Row, sinusoidals: readonly Row[]): Judgement {
  const length = 2 * alibi.trainLength
  const long = sinusoidals.find((row) => row.trainLength === length && row.size === alibi.size)
  if (!long) return notMeasured(at(alibi), `no sinusoidal positions trained at ${thousands(length)}`)
  const secondsAToken = (row: Row) =>
    over(linesOfRow(results.train, row), (lines) => -Math.log(median(lines.map((line) => line.tokensPerSecond))))
      ?.bySeed ?? new Map()
  const better = changed(
    `at ${thousands(length)}, ALiBi trained at ${thousands(alibi.trainLength)} against sinusoidal trained there`,
    lossesAt(results, alibi, PLAIN, length),
    lossesAt(results, long, PLAIN, length),
    noHigherThan(KEPT),
  )
  const cheaper = changed('seconds of training a token', secondsAToken(alibi), secondsAToken(long), ([low, high]) =>
    high < 0 ? 'holds' : low >= 0 ? 'does not hold' : 'inconclusive',
  )
  // Either alone is half of the claim.
  return better.missing || cheaper.missing
    ? { verdict: 'inconclusive', evidence: evidenceOf([better, cheaper]), missing: true }
    : together([better, cheaper])
}

function isFlat(results: Results, row: Row): Judgement {
  const lines = linesOfRow(results.evals, row)
  const sliding = readingGroups(lines).filter(({ protocol, windowed }) => protocol === 'sliding' && !windowed)
  const steady = sliding.filter(
    (reading) => new Set(lines.filter((line) => wasRead(line, reading)).map((line) => line.stride)).size === 1,
  )
  const [reading] = steady
  const [stride] = lines.flatMap((line) => (reading && wasRead(line, reading) ? [line.stride] : []))
  // Windows no longer than the stride do not overlap: that is another way of reading, whose early tokens have no context.
  const lengths = reading ? lengthsRead(results, row, reading).filter((length) => length > stride!) : []
  const [shortest, longest] = [lengths[0], lengths.at(-1)]
  if (!reading || shortest === longest)
    return notMeasured(at(row), 'no two lengths of sliding windows of one stride that overlap')
  return changed(
    `${at(row)}, ${reading.name}, ${thousands(longest!)} against ${thousands(shortest!)}`,
    lossesAt(results, row, reading, longest!),
    lossesAt(results, row, reading, shortest!),
    ([low, high]) =>
      low >= -FLAT && high <= FLAT ? 'holds' : low > FLAT || high < -FLAT ? 'does not hold' : 'inconclusive',
  )
}

const at = ({ trainLength }: Row) => `trained at ${thousands(trainLength)}`
