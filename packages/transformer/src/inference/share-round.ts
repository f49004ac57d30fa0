import { fail } from '@alibi/core'
import type { EvaluationReplicas } from './evaluation-replicas.js'

/** How a replica's part of a round has ended. A 0 is of a replica that is elsewhere in its work. */
const STATES = { scored: 1, stopped: 2, failed: 3 } as const

/**
 * Gives all replicas what each has scored, by one sum: where one has numbers, the others have −0, which changes no bit of what
 * it is added to. How each has ended is part of it, so that all go on or none.
 *
 * @param sizes - how many numbers each replica has; none for those beyond the list
 * @returns the numbers of each
 */
export async function shareRound(
  { index, count, sum }: EvaluationReplicas,
  sizes: readonly number[],
  signal: AbortSignal | undefined,
  score: () => Promise<ArrayLike<number>>,
): Promise<Float64Array[]> {
  const starts = [count]
  for (const [i, size] of sizes.entries()) starts.push(starts[i]! + size)
  const given = new Float64Array(starts.at(-1)!).fill(-0)
  let state: number = STATES.scored
  let error: unknown
  try {
    signal?.throwIfAborted()
    const own = await score()
    const size = sizes[index] ?? 0
    if (own.length !== size) fail('scoreBatches', `${size} numbers of a batch, as its size is`, own.length)
    given.set(own, starts[index])
  } catch (thrown) {
    error = thrown
    state = signal?.aborted ? STATES.stopped : STATES.failed
  }
  given[index] = state
  const shared = sum(given)
  const states = [...shared.subarray(0, count)]
  const stray = states.findIndex((each) => !Object.values<number>(STATES).includes(each))
  if (stray >= 0) fail('scoreBatches', 'the same call on all replicas', `another on replica ${stray}`, Error)
  const [failed, stopped] = [states.indexOf(STATES.failed), states.indexOf(STATES.stopped)]
  const reason = failed < 0 ? '' : shareText(sum, index === failed ? messageOf(error) : '')
  if (state !== STATES.scored) throw error
  if (failed >= 0) fail('scoreBatches', 'scores of all replicas', `an error on replica ${failed}: ${reason}`, Error)
  if (stopped >= 0) throw stoppedBy(stopped)
  return sizes.map((_, i) => shared.subarray(starts[i], starts[i + 1]))
}

/** Characters of a message that other replicas get. */
const TEXT = 500

/** @param text - on one replica; the others have none */
function shareText(sum: EvaluationReplicas['sum'], text: string): string {
  const codes = Float64Array.from({ length: TEXT }, (_, i) => text.charCodeAt(i) || 0)
  return String.fromCharCode(...sum(codes).filter(Boolean))
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const stoppedBy = (replica: number) =>
  Object.assign(new Error(`scoreBatches: expected to go on, got a wish to stop on replica ${replica}`), {
    name: 'AbortError',
  })
