import { type BySeed, pairedTest } from './statistics.js'

/** Whether a claim shows in the numbers of a run. */
export type Verdict = 'holds' | 'does not hold' | 'one seed, not tested' | 'inconclusive' | 'not measured'

/** One comparison that a verdict rests on. */
export interface Evidence {
  /** e.g. `trained at 64, 1,024 against 64` */
  readonly compared: string
  /** The change with its interval, or what is missing. */
  readonly result: string
}

/** A verdict with its numbers. */
export interface Judgement {
  /** The verdict by the interval of the mean difference. */
  readonly verdict: Verdict
  /** One or more comparisons. */
  readonly evidence: readonly Evidence[]
  /** Nothing was measured that could tell, where seeds that disagree were. */
  readonly missing?: true
}

/** Judges a change of losses by the interval that the seeds give. */
export function changed(
  compared: string,
  now: BySeed,
  before: BySeed,
  judge: (interval: readonly [number, number]) => Verdict,
): Judgement {
  const broken = [...now].filter(([seed, value]) => !Number.isFinite(value - (before.get(seed) ?? value)))
  if (broken.length)
    return unmeasured([{ compared, result: `not finite (${broken.length} of ${now.size} seeds)` }], 'inconclusive')
  const test = pairedTest(now, before)
  if (!test) {
    const [only] = [...now].flatMap(([seed, value]) => (before.has(seed) ? [value - before.get(seed)!] : []))
    if (only === undefined) return notMeasured(compared, 'no seed has both')
    return { verdict: 'one seed, not tested', evidence: [{ compared, result: percent(only) }] }
  }
  const [low, high] = test.interval
  const result = `${percent(test.difference)} (95 % interval ${percent(low)} to ${percent(high)}, ${test.pairs} seeds)`
  return { verdict: judge(test.interval), evidence: [{ compared, result }] }
}

export const noHigherThan =
  (limit: number) =>
  ([low, high]: readonly [number, number]): Verdict =>
    high <= limit ? 'holds' : low > limit ? 'does not hold' : 'inconclusive'

/** Nothing was measured that could decide. */
export const notMeasured = (compared: string, result: string): Judgement => unmeasured([{ compared, result }])

const unmeasured = (evidence: readonly Evidence[], verdict: Verdict = 'not measured'): Judgement => ({
  verdict,
  evidence,
  missing: true,
})

/** Everything that was measured must hold, and one counterexample is enough. */
export function together(judgements: readonly Judgement[]): Judgement {
  const measured = judgements.filter(({ missing }) => !missing)
  return measured.length
    ? { verdict: worst(measured), evidence: evidenceOf(measured) }
    : unmeasured(evidenceOf(judgements), worst(judgements))
}

export const evidenceOf = (judgements: readonly Judgement[]): Evidence[] =>
  judgements.flatMap(({ evidence }) => evidence)

const worst = (judgements: readonly Judgement[]): Verdict =>
  (['does not hold', 'inconclusive', 'one seed, not tested', 'holds', 'not measured'] as const).find((verdict) =>
    judgements.some((each) => each.verdict === verdict),
  ) ?? 'inconclusive'

/** Evidence as a line of text, e.g. `trained at 64, 1,024 against 64: +0.5 %; …` */
export const evidenceText = (evidence: readonly Evidence[]): string =>
  evidence.map(({ compared, result }) => `${compared}: ${result}`).join('; ')

/** A change of perplexity (or time) from a difference of logarithms. */
export function percent(difference: number): string {
  if (!Number.isFinite(difference)) return 'not finite'
  const value = 100 * Math.expm1(difference)
  const digits = Math.abs(value) < 10 ? 1 : 0
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)} %`
}
