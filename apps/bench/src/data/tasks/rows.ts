// Letters: B batch, L train length.
import { seededRandom } from '@alibi/core'
import { byteTokenizer } from '../tokenizer/tokenizer.js'
import { askedTrial, sizeOf } from './asked.js'
import { fittingTrial, longestFitting } from './fit.js'
import { between } from './random.js'
import { END, type NamedTask, type Trial } from './task.js'

/** Bytes of a trial with room for its answer: tasks are trained on byte by byte. */
export const bytesOf = (trial: Trial): number => sizeOf(askedTrial(trial, byteTokenizer))

/** A training step's rows. */
export interface TaskBatch {
  /** One trial a row from its start, filled up at the end; B of [L + 1]. */
  readonly rows: readonly Int32Array[]
  /** 1 for the bytes of answers and their ends, which are all that the loss is of; B of [L]. */
  readonly asked: readonly Uint8Array[]
}

/**
 * The rows of training steps: a pure function of the seed and the step, the same for every strategy. Trials are new in each step,
 * of every length that fits in the train length as often.
 *
 * @throws RangeError, one line, for a train length that no trial fits in
 */
export function taskBatches(
  task: NamedTask,
  { batchSize, trainLength }: { readonly batchSize: number; readonly trainLength: number },
): (seed: number, step: number) => TaskBatch {
  const longest = expectFitting(task, 'train', trainLength)
  return (seed, step) => {
    // Odd multipliers spread neighbouring seeds and steps over the generator's states.
    const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(step + 1, 0xc2b2ae35))
    const made = Array.from({ length: batchSize }, () => {
      const length = between(task.shortest, longest, random)
      return rowOf(fittingTrial(task, length, bytesOf, trainLength, random), trainLength)
    })
    return { rows: made.map(({ row }) => row), asked: made.map(({ asked }) => asked) }
  }
}

function rowOf(trial: Trial, trainLength: number): { readonly row: Int32Array; readonly asked: Uint8Array } {
  const { tokens, answerLength } = askedTrial(trial, byteTokenizer)
  const row = new Int32Array(trainLength + 1).fill(END.charCodeAt(0))
  row.set(tokens)
  const asked = new Uint8Array(trainLength)
  asked.fill(1, tokens.length - answerLength - 1, tokens.length - 1)
  return { row, asked }
}

/**
 * The longest length of trials that fit in so many bytes.
 *
 * @param what - the bytes are of, in the message: `train`, `evaluation`
 * @throws RangeError, one line, where none fits
 */
export function expectFitting(task: NamedTask, what: string, most: number): number {
  const longest = longestFitting(task, bytesOf, most)
  if (longest !== undefined) return longest
  let enough = most
  while (longestFitting(task, bytesOf, enough) === undefined) enough++
  throw new RangeError(
    `data: expected ${what} length that a trial of ${task.name} fits in, got ${most}; take ${enough} or more`,
  )
}
