// What RULER hides things in (Hsieh et al., 2024, arXiv 2404.06654, and their repository NVIDIA/RULER at c3f5e3b).
import { sample } from '../random.js'

const NOISE = 'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.'

/** So many paragraphs of noise. */
export const noiseOf = (paragraphs: number): string[] => Array.from({ length: paragraphs }, () => NOISE)

/** Lines at random places among others, in their order. */
export function hiddenAmong(lines: readonly string[], hidden: readonly string[], random: () => number): string {
  const places = sample(lines.length, hidden.length, random)
  return lines.flatMap((line, i) => (places.includes(i) ? [hidden[places.indexOf(i)]!, line] : [line])).join('\n')
}

/** Depths of a text in percent, of which each is taken at most once. */
const DEPTHS = Array.from({ length: 40 }, (_, i) => Math.round((100 * i) / 39))

/** Sentences at random depths of a text, in their order, each between two of its sentences. */
export function hiddenInText(words: readonly string[], hidden: readonly string[], random: () => number): string {
  const sentences = sentencesOf(words)
  const places = sample(DEPTHS.length, hidden.length, random).map((i) =>
    Math.floor((sentences.length * DEPTHS[i]!) / 100),
  )
  const out: string[] = []
  for (let i = 0; i <= sentences.length; i++) {
    hidden.forEach((each, j) => {
      if (places[j] === i) out.push(each)
    })
    if (i < sentences.length) out.push(sentences[i]!)
  }
  return out.join(' ')
}

/** A text that is no prose, such as code, has no sentence longer than this. */
const LONGEST_SENTENCE = 100

/** Words up to one that ends a sentence. */
function sentencesOf(words: readonly string[]): string[] {
  const sentences: string[] = []
  let from = 0
  words.forEach((word, i) => {
    const ends = /[.!?]["')\]]*$/.test(word) || i + 1 - from === LONGEST_SENTENCE || i === words.length - 1
    if (!ends) return
    sentences.push(words.slice(from, i + 1).join(' '))
    from = i + 1
  })
  return sentences
}

/** The first words of a text, which begins again where it is too short. */
export const firstWords = (text: readonly string[], count: number): string[] =>
  Array.from({ length: count }, (_, i) => text[i % text.length]!)

/** e.g. `a`, `a, and b`, `a, b, and c` */
export const inList = (all: readonly string[]): string =>
  all.length > 1 ? `${all.slice(0, -1).join(', ')}, and ${all.at(-1)}` : all.join('')
