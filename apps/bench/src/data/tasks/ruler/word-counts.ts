import { distinct, shuffled } from '../random.js'
import type { Task, Trial } from '../task.js'
import { lettersOf, syllables } from './words.js'

export interface CommonOptions {
  /** Words that are asked for. */
  readonly words: number
  /** How often each of them is in the list; absent: 30, in trials of less than 4,096 tokens 6. */
  readonly common?: number | undefined
  /** How often each other word is; absent: 3, in trials of less than 4,096 tokens 1. */
  readonly uncommon?: number | undefined
  /** Questions with their answers before the one that is asked. */
  readonly shots: number
}

/** RULER's smaller lists are for trials of less than so many tokens. */
const LONG = 4096

/** RULER's common words: a numbered list of words, in which some are more often than all others. */
export const commonWords = ({ words, common, uncommon, shots }: CommonOptions): Task => ({
  unit: 'words',
  shortest: words + 1,
  trial(length, random, most) {
    const isLong = most >= LONG
    const ask = (count: number, often: number, seldom: number) =>
      commonQuestion({ words, count, often, seldom }, random)
    const before = Array.from({ length: shots }, () => {
      const { prompt, answer } = isLong ? ask(Math.max(words + 1, 40), 10, 3) : ask(Math.max(words + 1, 20), 3, 1)
      return `${prompt}${answer}\n`
    })
    const { prompt, ...rest } = ask(length, common ?? (isLong ? 30 : 6), uncommon ?? (isLong ? 3 : 1))
    return { prompt: `${before.join('')}${prompt}`, ...rest }
  },
})

interface WordList {
  /** Words that are asked for. */
  readonly words: number
  /** All different words. */
  readonly count: number
  readonly often: number
  readonly seldom: number
}

function commonQuestion({ words, count, often, seldom }: WordList, random: () => number): Trial {
  const all = distinct(count, () => syllables(random))
  const list = shuffled(
    all.flatMap((word, i) => Array.from({ length: i < words ? often : seldom }, () => word)),
    random,
  )
  // All are as often: in the order in which they come first, so that there is one right order.
  const answers = [...new Set(list)].filter((word) => all.indexOf(word) < words)
  return {
    prompt: `Below is a numbered list of words. In these words, some appear more often than others. Memorize the ones that appear most often.
${numbered(list)}
Question: What are the ${words} most common words in the above list? Answer: The top ${words} words that appear most often in the list are:`,
    answer: ` ${numbered(answers)}`,
    parts: answers,
  }
}

const numbered = (words: readonly string[]) => words.map((word, i) => `${i + 1}. ${word}`).join(' ')

export interface FrequentOptions {
  /** The exponent of the zeta distribution that words' frequencies follow, above 1. */
  readonly alpha: number
  /** Letters of a word. */
  readonly letters: number
}

/** Words that are asked for; the most frequent one of all is noise. */
const ASKED = 3
/** A trial has a different word for each so many of its tokens. */
const TOKENS_A_WORD = 50

/** RULER's frequent words: a text of coded words of which the one of rank k is there n·k^−α / ζ(α) times, in any order. */
export const frequentWords = ({ alpha, letters }: FrequentOptions): Task => {
  const times = (rank: number, total: number) => Math.floor((total * rank ** -alpha) / zeta(alpha))
  const isClear = (total: number) => times(ASKED + 1, total) > times(ASKED + 2, total)
  let shortest = 1
  while (!isClear(shortest)) shortest++
  return {
    unit: 'words',
    shortest,
    trial(length, random, most) {
      const vocabulary = distinct(Math.max(ASKED + 2, Math.floor(most / TOKENS_A_WORD)), () =>
        lettersOf('abcdefghijklmnopqrstuvwxyz', letters, random),
      )
      let total = length
      // The last word that is asked for is more frequent than those that are not.
      while (!isClear(total)) total--
      const words = shuffled(
        vocabulary.flatMap((word, i) => Array.from({ length: times(i + 1, total) }, () => (i ? word : '...'))),
        random,
      )
      const answers = vocabulary.slice(1, ASKED + 1)
      return {
        prompt: `Read the following coded text and track the frequency of each coded word. Find the three most frequently appeared coded words. ${words.join(' ')}
Question: Do not provide any explanation. Please ignore the dots '....'. What are the three most frequently appeared words in the above coded text? Answer: According to the coded text above, the three most frequently appeared words are:`,
        answer: ` ${answers.join(' ')}`,
        parts: answers,
      }
    },
  }
}

/** Riemann's ζ(s) for s > 1, by Euler and Maclaurin's formula; to about 1e-12. */
export function zeta(s: number): number {
  const N = 20
  let sum = 0
  for (let k = 1; k < N; k++) sum += k ** -s
  const tail = N ** (1 - s) / (s - 1) + N ** -s / 2
  const corrections = [
    (s * N ** (-s - 1)) / 12,
    -(s * (s + 1) * (s + 2) * N ** (-s - 3)) / 720,
    (s * (s + 1) * (s + 2) * (s + 3) * (s + 4) * N ** (-s - 5)) / 30_240,
  ]
  return sum + tail + corrections.reduce((a, b) => a + b)
}
