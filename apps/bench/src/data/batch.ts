// Letters: B batchSize, L trainLength.
import { seededRandom } from '@alibi/core'

export interface BatchOptions {
  readonly batchSize: number
  readonly trainLength: number
  readonly seed: number
  /** Steps done before this one. */
  readonly step: number
}

/**
 * The rows of one training step: a pure function of the seed and the step, the same for every strategy, so that cells
 * compare and a resumed run sees what an uninterrupted one would have seen.
 *
 * @returns B rows of L + 1 tokens that start anywhere in the text
 */
export function trainingBatch(tokens: Int32Array, { batchSize, trainLength, seed, step }: BatchOptions): Int32Array[] {
  // Odd multipliers spread neighbouring seeds and steps over the generator's states.
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b))
  const starts = tokens.length - trainLength
  return Array.from({ length: batchSize }, () => {
    const start = Math.floor(random() * starts)
    return tokens.subarray(start, start + trainLength + 1)
  })
}
