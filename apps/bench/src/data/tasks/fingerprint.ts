import { createHash } from 'node:crypto'
import { seededRandom } from '@alibi/core'
import { between } from './random.js'
import type { NamedTask } from './task.js'

/** Trials that a fingerprint is of. */
const TRIALS = 64

/**
 * A hash of what a task makes at lengths up to one, in trials of so many tokens: it notices a changed rule in whichever file that is, and overlooks comments and
 * formatting.
 */
export function fingerprintOf({ shortest, trial }: NamedTask, longest: number, most: number): string {
  const random = seededRandom(0x7a5c)
  const trials = Array.from({ length: TRIALS }, () => trial(between(shortest, longest, random), random, most))
  return createHash('sha256').update(JSON.stringify(trials)).digest('hex')
}
