import { seededRandom } from '@alibi/core'
import type { SplitText } from './split-text.js'

/** Synthetic tasks that show whether a model finds what it read some distance before: texts to train and be tried on. */
export const taskNames = ['passkey', 'copy'] as const
export type TaskName = (typeof taskNames)[number]

/** Bytes to find again: a trial succeeds when the model's first choice is right for each. */
export const ANSWER_LENGTH = 4

/**
 * Repeated again and again: a model soon predicts it, so that what is left to learn is the answer (Mohtashami & Jaggi,
 * 2023).
 */
const FILLER = 'the river is wide. the road is long. the night is dark. the house is far. '
const KEY = 'key='
/** None occurs in the filler. There are so many that the letter before usually determines each letter of an answer. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

const pick = <T>(from: ArrayLike<T>, random: () => number): T => from[Math.floor(random() * from.length)]!

/** A stretch of the filler that begins anywhere in it. */
function filler(length: number, random: () => number): string {
  const start = Math.floor(random() * FILLER.length)
  return FILLER.repeat(Math.ceil((start + length) / FILLER.length)).slice(start, start + length)
}

const string = (letters: string, length: number, random: () => number) =>
  Array.from({ length }, () => pick(letters, random)).join('')

interface Task {
  /** What a trial repeats: `distance` bytes. */
  readonly unit: (random: () => number, distance: number) => string
  /** Bytes of the unit up to the end of the answer. */
  readonly answerEnd: (distance: number) => number
  /** The shortest distance, which leaves room for the answer. */
  readonly shortest: number
}

const tasks: Readonly<Record<TaskName, Task>> = {
  /** `key=P4RT;`, filler, `key=P4RT` */
  passkey: {
    unit(random, distance) {
      const statement = `${KEY}${string(LETTERS, ANSWER_LENGTH, random)};`
      return statement + filler(distance - statement.length, random)
    },
    answerEnd: () => KEY.length + ANSWER_LENGTH,
    shortest: KEY.length + ANSWER_LENGTH + 1,
  },
  /** Letters without any sense, `|`, and the same letters. */
  copy: {
    unit: (random, distance) => `${string(LETTERS, distance - 1, random)}|`,
    answerEnd: (distance) => distance - 1,
    shortest: ANSWER_LENGTH + 1,
  },
}

/** A unit, and again as often as there are answers, the last time up to its answer. */
function trial(task: TaskName, random: () => number, distance: number, answers: number): string {
  const unit = tasks[task].unit(random, distance)
  return unit.repeat(answers) + unit.slice(0, tasks[task].answerEnd(distance))
}

/** The longest distance of a trial of at most `length` bytes. */
const longestDistance = (task: TaskName, length: number): number =>
  task === 'passkey' ? length - KEY.length - ANSWER_LENGTH : Math.floor((length + 1) / 2)

/** Distances at which to try, in a trial of `length` bytes: quarters of the longest, for copying, which fills it, the whole. */
export function trialDistances(task: TaskName, length: number): number[] {
  const longest = longestDistance(task, length)
  const shares = task === 'passkey' ? [1 / 4, 1 / 2, 3 / 4, 1] : [1]
  const distances = shares.map((share) => Math.floor(share * longest))
  return [...new Set(distances)].filter((distance) => distance >= tasks[task].shortest)
}

/** Trials of exactly `length` bytes, the same for every model; what a trial does not need is filler before it. */
export function makeTrials(task: TaskName, length: number, distance: number, count: number): Uint8Array[] {
  const random = seededRandom(Math.imul(length, 0x9e3779b1) ^ distance)
  return Array.from({ length: count }, () => {
    const text = trial(task, random, distance, 1)
    const before = length - text.length
    return new TextEncoder().encode(before > 0 ? `${filler(before - 1, random)}\n${text}` : text)
  })
}

const TRAIN_BYTES = 2 ** 21
const VALID_BYTES = 2 ** 17

/**
 * A task as a text to train on: trials one after another, each with as many answers as fit in the train length, short
 * distances as frequent as long ones. Always the same bytes for a train length.
 *
 * @throws RangeError for a train length that no trial fits in
 */
export function taskText(task: TaskName, trainLength: number): SplitText {
  const [low, high] = [tasks[task].shortest, longestDistance(task, trainLength)]
  if (high < low) {
    let enough = trainLength
    while (longestDistance(task, enough) < low) enough++
    throw new RangeError(
      `data: expected a train length that a trial of ${task} fits in, got ${trainLength}; take ${enough} or more`,
    )
  }
  const make = (bytes: number, seed: number) => {
    const random = seededRandom(seed)
    let text = ''
    while (text.length < bytes) {
      const distance = Math.floor(low * ((high + 1) / low) ** random())
      const answers = Math.floor((trainLength - tasks[task].answerEnd(distance)) / distance)
      text += `${trial(task, random, distance, answers)}\n`
    }
    return new TextEncoder().encode(text.slice(0, bytes))
  }
  return {
    train: make(TRAIN_BYTES, 1),
    valid: make(VALID_BYTES, 2),
    description: `${task}, made up, at distances from ${low} to ${high}`,
  }
}
