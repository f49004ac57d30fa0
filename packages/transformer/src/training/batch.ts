// Letters: B batchSize, L trainLength.
import { checkInteger, fail, seededRandom } from '@alibi/core'

/** What {@link trainingBatch} takes besides a text. */
export interface BatchOptions {
  /** B, rows of a step. */
  readonly batchSize: number
  /** L, tokens that the model reads of each row. */
  readonly trainLength: number
  /** An integer; each seed has batches of its own. */
  readonly seed: number
  /** Steps done before this one. */
  readonly step: number
}

/**
 * The rows of one training step: a pure function of the seed and the step, the same for every strategy, so that cells
 * compare and a resumed run sees what an uninterrupted one would have seen.
 *
 * @param tokens - of the text, more than L
 * @returns B rows of L + 1 tokens that start anywhere in the text: views of it
 * @throws RangeError or TypeError for sizes that are no positive integers, or a text of L tokens or fewer
 */
export function trainingBatch(tokens: Int32Array, options: BatchOptions): Int32Array[] {
  if (!(tokens instanceof Int32Array)) fail('trainingBatch', 'tokens as an Int32Array', tokens, TypeError)
  const given: unknown = options
  if (typeof given !== 'object' || given === null) fail('trainingBatch', 'an object of options', given, TypeError)
  const { batchSize, trainLength, seed, step } = options
  checkInteger('trainingBatch', 'batchSize', batchSize, 1)
  checkInteger('trainingBatch', 'trainLength', trainLength, 1)
  checkInteger('trainingBatch', 'seed', seed, Number.MIN_SAFE_INTEGER)
  checkInteger('trainingBatch', 'step', step, 0)
  if (tokens.length <= trainLength)
    fail('trainingBatch', `more than ${trainLength} tokens for trainLength ${trainLength}`, tokens.length)
  // Odd multipliers spread neighbouring seeds and steps over the generator's states.
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b))
  const starts = tokens.length - trainLength
  return Array.from({ length: batchSize }, () => {
    const start = Math.floor(random() * starts)
    return tokens.subarray(start, start + trainLength + 1)
  })
}
