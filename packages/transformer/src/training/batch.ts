// Letters: B batchSize, L trainLength.
import { checkInteger, fail, seededRandom } from '@alibi/core'

/**
 * Tokens of a text: an Int32Array, or what reads them where they are needed, as from a file that is larger than memory.
 */
export interface TokenText {
  /** How many there are. */
  readonly length: number
  /** @returns the tokens from `start` up to, but not including, `end` */
  subarray(start: number, end: number): Int32Array
}

/** Whether a value is a {@link TokenText}: of typed arrays Int32Array alone. */
export const isTokenText = (value: unknown): value is TokenText =>
  ArrayBuffer.isView(value)
    ? value instanceof Int32Array
    : typeof (value as Partial<TokenText> | null | undefined)?.subarray === 'function' &&
      Number.isInteger((value as TokenText).length)

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
 * @returns B rows of L + 1 tokens that start anywhere in the text: what its `subarray` gives, views of an Int32Array
 * @throws RangeError or TypeError for sizes that are no positive integers, or a text of L tokens or fewer
 */
export function trainingBatch(tokens: TokenText, options: BatchOptions): Int32Array[] {
  if (!isTokenText(tokens))
    fail('trainingBatch', 'tokens as an Int32Array, or with a length and a subarray', tokens, TypeError)
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
