import type { Contestant } from './contestant.js'

export interface Outcome {
  readonly name: string
  /** Seconds a step of each round. */
  readonly seconds: readonly number[]
  /** Its seconds over the first contestant's of the same round: median, least and most. */
  readonly ratio: { readonly median: number; readonly range: readonly [number, number] }
}

/**
 * Times contestants in turns, A B C A B C …, because machines drift: only times of one round compare. The first round
 * warms up and does not count.
 */
export async function duel(contestants: readonly Contestant[], steps: number, rounds: number): Promise<Outcome[]> {
  const seconds = contestants.map((): number[] => [])
  for (let round = 0; round <= rounds; round++)
    for (const [i, contestant] of contestants.entries()) {
      const measured = await contestant.run(steps)
      if (round > 0) seconds[i]!.push(measured)
    }
  return contestants.map(({ name }, i) => {
    const ratios = seconds[i]!.map((value, round) => value / seconds[0]![round]!).sort((a, b) => a - b)
    return { name, seconds: seconds[i]!, ratio: { median: median(ratios), range: [ratios[0]!, ratios.at(-1)!] } }
  })
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
