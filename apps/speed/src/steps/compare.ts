import type { Absent, Contestant } from './contestant.js'
import { duel, type Outcome } from './duel.js'

/** What a comparison found. */
export interface Compared {
  /** Ours first. */
  readonly outcomes: readonly Outcome[]
  /** Who did not take part, and why. */
  readonly absent: readonly Absent[]
  /** Of what peers compute with. */
  readonly versions: Readonly<Record<string, string>>
}

/** Starts somebody. */
export type Starting = () => Promise<Contestant | Absent>

interface Turns {
  readonly steps: number
  readonly rounds: number
  readonly log: (line: string) => void
}

/**
 * Times contestants in turns with ours, after seeing that they compute the same. Those of a group are in memory together, ours
 * in all of them; its own times are those beside the first group.
 */
export async function compare(
  own: Contestant,
  groups: readonly (readonly Starting[])[],
  { steps, rounds, log }: Turns,
): Promise<Compared> {
  const outcomes: Outcome[] = []
  const absent: Absent[] = []
  const versions: Record<string, string> = {}
  try {
    for (const group of groups) {
      const others: Contestant[] = []
      try {
        for (const start of group) {
          const one = await start()
          const reason = 'reason' in one ? one.reason : difference(own, one)
          if (reason !== undefined) {
            log(`  ${one.name}: ${reason}`)
            absent.push({ name: one.name, reason })
          }
          if ('run' in one && reason === undefined) {
            others.push(one)
            Object.assign(versions, one.versions)
          } else if ('run' in one) one.dispose()
        }
        const [first, ...rest] = await duel([own, ...others], steps, rounds)
        outcomes.push(...(outcomes.length ? [] : [first!]), ...rest)
      } finally {
        for (const other of others) other.dispose()
      }
    }
  } finally {
    own.dispose()
  }
  return { outcomes, absent, versions }
}

/**
 * Of losses in fp32, also after two updates, which divide by roots of small gradients. Another slope, epsilon or GELU is further
 * away.
 */
const TOLERANCE = 1e-5

/** Why a contestant is not the same model, as its answers differ; undefined: it is, or it has none. */
export function difference({ answers: want }: Contestant, { answers: got }: Contestant): string | undefined {
  if (!want || !got) return undefined
  const same =
    want.length === got.length && want.every((value, i) => Math.abs(got[i]! - value) <= TOLERANCE * Math.abs(value))
  return same ? undefined : `it computes another model: expected ${want.join(', ')}, got ${got.join(', ')}`
}
