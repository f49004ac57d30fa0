import { type BySeed, pairedTest } from './statistics.js'

/** Whether a claim shows in the numbers of a run. */
export type Verdict = 'holds' | 'does not hold' | 'one seed, not tested' | 'cannot be told'

/** A verdict with its numbers. */
export interface Judgement {
  /** By the interval of the mean difference. */
  readonly verdict: Verdict
  /** The numbers, or what is missing. */
  readonly evidence: string
  /** Nothing was measured that could tell, where seeds that disagree were. */
  readonly missing?: true
}

/** Judges a change of losses by the interval that the seeds give. */
export function changed(
  what: string,
  now: BySeed,
  before: BySeed,
  judge: (interval: readonly [number, number]) => Verdict,
): Judgement {
  const broken = [...now].filter(([seed, value]) => !Number.isFinite(value - (before.get(seed) ?? value)))
  if (broken.length) return untold(`${what}: not finite (${broken.length} of ${now.size} seeds)`)
  const test = pairedTest(now, before)
  if (!test) {
    const [only] = [...now].flatMap(([seed, value]) => (before.has(seed) ? [value - before.get(seed)!] : []))
    if (only === undefined) return untold(`${what}: no seed has both`)
    return { verdict: 'one seed, not tested', evidence: `${what}: ${percent(only)}` }
  }
  const [low, high] = test.interval
  return {
    verdict: judge(test.interval),
    evidence: `${what}: ${percent(test.difference)} (95 % interval ${percent(low)} to ${percent(high)}, ${test.pairs} seeds)`,
  }
}

export const noHigherThan =
  (limit: number) =>
  ([low, high]: readonly [number, number]): Verdict =>
    high <= limit ? 'holds' : low > limit ? 'does not hold' : 'cannot be told'

export const untold = (evidence: string): Judgement => ({ verdict: 'cannot be told', evidence, missing: true })

/** Everything that was measured must hold, and one counterexample is enough. */
export function together(judgements: readonly Judgement[]): Judgement {
  const measured = judgements.filter(({ missing }) => !missing)
  const evidence = (of: readonly Judgement[]) => of.map((each) => each.evidence).join('; ')
  return measured.length ? { verdict: worst(measured), evidence: evidence(measured) } : untold(evidence(judgements))
}

const worst = (judgements: readonly Judgement[]): Verdict =>
  (['does not hold', 'cannot be told', 'one seed, not tested', 'holds'] as const).find((verdict) =>
    judgements.some((each) => each.verdict === verdict),
  ) ?? 'cannot be told'

/** A change of perplexity (or time) from a difference of logarithms. */
export function percent(difference: number): string {
  if (!Number.isFinite(difference)) return 'not finite'
  const value = 100 * Math.expm1(difference)
  const digits = Math.abs(value) < 10 ? 1 : 0
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)} %`
}
