import { studentP, studentQuantile } from './student.js'

/** Numbers of one strategy by seed; lower is better. Take nats a token: perplexities explode. */
export type BySeed = ReadonlyMap<number, number>

/** What the seeds say of a − b. */
export interface PairedTest {
  /** Seeds that both have. */
  readonly pairs: number
  /** Mean of a − b. */
  readonly difference: number
  /** Where the mean of a − b lies with 95 % confidence. */
  readonly interval: readonly [number, number]
  /** Two-sided: how often chance alone would show a difference as clear as this. */
  readonly p: number
}

/** Below it a difference counts. */
const SIGNIFICANCE = 0.05

/**
 * Student's paired t-test over the seeds that both have: a seed gives both the same batches, so its luck cancels out. It
 * takes the differences of seeds as about normal, which so few cannot show: it says when not to believe a difference, more
 * than when to.
 *
 * @returns undefined with fewer than two seeds in common, or values that are not finite: nothing can be said
 */
export function pairedTest(a: BySeed, b: BySeed): PairedTest | undefined {
  const differences = [...a].flatMap(([seed, value]) => (b.has(seed) ? [value - b.get(seed)!] : []))
  const pairs = differences.length
  if (pairs < 2 || !differences.every(Number.isFinite)) return undefined
  const difference = differences.reduce((x, y) => x + y) / pairs
  const squares = differences.reduce((sum, each) => sum + (each - difference) ** 2, 0)
  const error = Math.sqrt(squares / (pairs - 1) / pairs)
  const half = studentQuantile(SIGNIFICANCE, pairs - 1) * error
  const p = difference === 0 ? 1 : studentP(difference / error, pairs - 1)
  return { pairs, difference, interval: [difference - half, difference + half], p }
}

/** Who is best, and who is not shown to be worse. */
export interface Standing {
  /** The name with the lowest mean; undefined with nothing to compare. */
  readonly best: string | undefined
  /** The others that do not differ significantly from the best. Empty: the best has won. */
  readonly undecided: readonly string[]
}

/**
 * Compares the lowest mean with every other by {@link pairedTest}, with Holm's correction for as many comparisons (Holm,
 * 1979): a table of many strategies does not crown one by chance. With one seed nothing differs significantly. A
 * strategy with a value that is not finite does not take part.
 */
export function standing(losses: ReadonlyMap<string, BySeed>): Standing {
  const mean = (values: BySeed) => [...values.values()].reduce((sum, value) => sum + value, 0) / values.size
  const [best, ...others] = [...losses]
    .filter(([, values]) => values.size > 0 && [...values.values()].every(Number.isFinite))
    .sort(([, a], [, b]) => mean(a) - mean(b))
  if (!best) return { best: undefined, undecided: [] }
  const told = significant(others.map(([, values]) => pairedTest(best[1], values)?.p ?? 1))
  return { best: best[0], undecided: others.flatMap(([name], i) => (told[i] ? [] : [name])) }
}

/** Which of several differences count, by their p, with Holm's correction for as many: few of them by chance alone. */
export function significant(ps: readonly number[]): boolean[] {
  const order = ps.map((p, i) => ({ p, i })).sort((a, b) => a.p - b.p)
  const firstKept = order.findIndex(({ p }, rank) => p * (ps.length - rank) >= SIGNIFICANCE)
  const counted = new Set(order.slice(0, firstKept < 0 ? ps.length : firstKept).map(({ i }) => i))
  return ps.map((_, i) => counted.has(i))
}
