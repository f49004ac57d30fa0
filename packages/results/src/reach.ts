import type { Results } from './read.js'
import { evalLengthsOf, linesOfRow, PLAIN, type ReadingGroup, type Row, wasRead } from './rows.js'
import type { BySeed } from './statistics.js'
import { over } from './summary.js'

/** What a position encoding breaks at: 10 % of perplexity. */
const RISEN = Math.log(1.1)

/**
 * How far a row reads: the logarithm of the length at which each seed's perplexity is 10 % higher than at the train length, between lengths
 * that were read by a straight line on the report's logarithmic axes; the longest that was read where it never is. NaN for a seed with a
 * loss that is not finite at a length before that.
 */
export function reachOf(results: Results, row: Row): BySeed {
  const lengths = lengthsRead(results, row, PLAIN).filter((length) => length >= row.trainLength)
  const losses = lengths.map((length) => lossesAt(results, row, PLAIN, length))
  const seeds = [...(losses[0] ?? new Map()).keys()].filter((seed) => losses.every((each) => each.has(seed)))
  const reach = (seed: number) => {
    const rises = losses.map((each) => each.get(seed)! - losses[0]!.get(seed)! - RISEN)
    const next = rises.findIndex((rise) => !(rise < 0))
    if (!Number.isFinite(losses[0]!.get(seed)) || Number.isNaN(rises[next])) return Number.NaN
    if (next < 0) return Math.log(lengths.at(-1)!)
    const [before, after] = [rises[next - 1]!, rises[next]!]
    return Math.log(lengths[next - 1]!) + (before / (before - after)) * Math.log(lengths[next]! / lengths[next - 1]!)
  }
  return new Map(lengths.length > 1 && lengths[0] === row.trainLength ? seeds.map((seed) => [seed, reach(seed)]) : [])
}

/** Nats a token of each seed at one length. */
export const lossesAt = (results: Results, row: Row, reading: ReadingGroup, length: number): BySeed =>
  over(
    linesOfRow(results.evals, row).filter((line) => wasRead(line, reading) && line.evalLength === length),
    (lines) => lines.at(-1)!.lossNats,
  )?.bySeed ?? new Map()

/** Lengths at which a row was evaluated in one way, ascending. */
export const lengthsRead = (results: Results, row: Row, reading: ReadingGroup) =>
  evalLengthsOf(linesOfRow(results.evals, row).filter((line) => wasRead(line, reading)))
