// How several processes share an evaluation: each scores its part of the batches, and all get the numbers of every batch.
import { checkOptions, fail } from '@alibi/core'
import { checkEvaluationReplicas, type EvaluationReplicas } from './evaluation-replicas.js'
import { shareRound } from './share-round.js'
import { createYielder } from './yield-to-host.js'

/** What {@link scoreBatches} takes besides batches. */
export interface ScoreBatchesOptions<B> {
  /** How many numbers a batch gives: asked of all batches, also of those that other processes score. */
  readonly size: (batch: B) => number
  /**
   * Asked for this process's own batches.
   *
   * @param number - of the batch, from 0
   */
  readonly score: (batch: B, number: number) => Promise<ArrayLike<number>>
  /** Scores together with other processes, which all call this with the same batches. Absent: alone. */
  readonly replicas?: EvaluationReplicas | undefined
  /** Stops before the next batch when it is aborted. Replicas stop together. */
  readonly signal?: AbortSignal | undefined
}

/** A batch with its numbers. */
export interface ScoredBatch<B> {
  /** One of those that were given. */
  readonly batch: B
  /** As `score` gave them, in whatever process. */
  readonly numbers: Float64Array
}

/**
 * Has batches scored, each by one of the processes in turn, and gives all of them the numbers of every batch, in the batches'
 * order. What they add up from them is the same bits for any number of processes.
 *
 * @throws RangeError or TypeError, one line, for other arguments. While it goes on: what `score` throws, and the signal's reason
 * when it is aborted; where that is another replica's, an Error with its message, and one named AbortError
 */
export function scoreBatches<B>(
  batches: readonly B[],
  options: ScoreBatchesOptions<B>,
): AsyncGenerator<ScoredBatch<B>, void, undefined> {
  if (!Array.isArray(batches)) fail('scoreBatches', 'an array of batches', batches, TypeError)
  checkOptions('scoreBatches', options, ['size', 'score', 'replicas', 'signal'])
  for (const name of ['size', 'score'] as const)
    if (typeof options[name] !== 'function') fail('scoreBatches', `${name} as a function`, options[name], TypeError)
  if (options.replicas) checkEvaluationReplicas('scoreBatches', options.replicas)
  return inRounds(batches, options)
}

/** Rounds of one batch for each replica. */
async function* inRounds<B>(
  batches: readonly B[],
  { size, score, replicas = ALONE, signal }: ScoreBatchesOptions<B>,
): AsyncGenerator<ScoredBatch<B>, void, undefined> {
  const { index, count } = replicas
  const yieldToHost = createYielder()
  for (let first = 0; first < batches.length; first += count) {
    await yieldToHost()
    const round = batches.slice(first, first + count)
    const parts = await shareRound(replicas, round.map(size), signal, async () =>
      // The last round may have fewer batches than there are replicas.
      index < round.length ? score(round[index]!, first + index) : [],
    )
    for (const [i, batch] of round.entries()) yield { batch, numbers: parts[i]! }
  }
}

const ALONE: EvaluationReplicas = { index: 0, count: 1, sum: (values) => values }
