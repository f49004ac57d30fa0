import { distinct, sample, shuffled } from '../random.js'
import type { Task, Trial } from '../task.js'
import { firstWords, hiddenAmong, hiddenInText, inList, noiseOf } from './haystack.js'
import { type Kind, somethingOf } from './words.js'

export interface NeedleOptions {
  /** `noise`: five sentences again and again; `essay`: a text; `needle`: sentences like those that are asked for. */
  readonly haystack: 'noise' | 'essay' | 'needle'
  readonly keyType: Kind
  readonly valueType: Kind
  /** Keys that are in the text, those asked for among them. */
  readonly keys: number
  /** Values of each key. */
  readonly values: number
  /** Keys that are asked for. */
  readonly queries: number
}

const UNITS = { noise: 'paragraphs', essay: 'words', needle: 'needles' } as const

const sentenceOf = (kind: Kind, key: string, value: string) =>
  `One of the special magic ${kind} for ${key} is: ${value}.`

/**
 * RULER's needles in a haystack: sentences that give keys their values, hidden in a text, and a question for the values of some.
 *
 * @param text - words of the haystack `essay`
 */
export function needles(options: NeedleOptions, text: readonly string[] = []): Task {
  const { haystack, keyType, valueType, values, queries } = options
  const keys = Math.max(options.keys, queries)
  return {
    unit: UNITS[haystack],
    shortest: haystack === 'essay' ? 1 : keys * values,
    trial(length, random) {
      const names = distinct(keys, () => somethingOf(keyType, random))
      const found = distinct(keys * values, () => somethingOf(valueType, random))
      const hidden = shuffled(
        found.map((value, i) => ({ key: names[i % keys]!, value })),
        random,
      )
      const sentences = hidden.map(({ key, value }) => sentenceOf(valueType, key, value))
      const context = hide(sentences)
      const asked = shuffled(sample(keys, queries, random), random).map((i) => names[i]!)
      // Several values of a key are given in the order of the text, so that there is one right order.
      const answers = asked.flatMap((key) => hidden.filter((each) => each.key === key).map(({ value }) => value))
      return question(valueType, inList(asked), answers, context)

      function hide(sentences: readonly string[]): string {
        if (haystack === 'essay') return hiddenInText(firstWords(text, length), sentences, random)
        if (haystack === 'noise') return hiddenAmong(noiseOf(length), sentences, random)
        const others = Array.from({ length }, () => {
          const [key] = distinct(1, () => somethingOf(keyType, random), names)
          return sentenceOf(valueType, key!, somethingOf(valueType, random))
        })
        return hiddenAmong(others, sentences, random)
      }
    },
  }
}

function question(kind: Kind, query: string, answers: readonly string[], context: string): Trial {
  const one = answers.length === 1
  const what = one ? kind.slice(0, -1) : kind
  const [some, are, all] = one ? ['A', 'is', ''] : ['Some', 'are', ' all']
  return {
    prompt: `${some} special magic ${what} ${are} hidden within the following text. Make sure to memorize it. I will quiz you about the ${what} afterwards.
${context}
What ${are}${all} the special magic ${what} for ${query} mentioned in the provided text? The special magic ${what} for ${query} mentioned in the provided text ${are}`,
    answer: ` ${inList(answers)}`,
    parts: answers,
  }
}
