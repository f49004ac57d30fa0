import { setTimeout } from 'node:timers/promises'
import type { Contestant } from './contestant.js'

export interface Outcome {
  readonly name: string
  /** Seconds a step of each round. */
  readonly seconds: readonly number[]
  /** Its seconds over the first contestant's of the same round: median, least and most. */
  readonly ratio: { readonly median: number; readonly range: readonly [number, number] }
}

/** Until threads of the one before have gone to sleep, and its memory is given back. */
const PAUSE_MS = 300

/**
 * Times contestants in turns, A B C C B A …, because machines drift, and because nobody is to follow the same one each time: only
 * times of one round compare. The first round warms up and does not count.
 */
export async function duel(contestants: readonly Contestant[], steps: number, rounds: number): Promise<Outcome[]> {
  const seconds = contestants.map((): number[] => [])
  const order = [...contestants.entries()]
  for (let round = 0; round <= rounds; round++)
    for (const [i, contestant] of round % 2 ? order.toReversed() : order) {
      await setTimeout(PAUSE_MS)
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
