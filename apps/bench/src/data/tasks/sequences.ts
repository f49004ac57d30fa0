// The tasks on sequences of Kazemnejad et al. (2023, arXiv 2305.19466). A letter is a byte, as a symbol was one of their tokens: they
// had 26 of them to count, 50 to sort, 100 to copy.
import { picks } from './random.js'
import type { Task } from './task.js'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** A task from some letters to others: a word that says what to do, the letters, and what becomes of them after `=`. */
const mapping = (word: string, map: (letters: readonly string[]) => string): Task => ({
  unit: 'letters',
  trial(length, random) {
    const letters = picks(LETTERS, length, random)
    return { prompt: `${word}:${letters.join('')}=`, answer: map(letters) }
  },
})

/** `copy:qzbd=qzbd` */
export const copy = mapping('copy', (letters) => letters.join(''))

/** `reverse:qzbd=dbzq` */
export const reversal = mapping('reverse', (letters) => letters.toReversed().join(''))

/** `sort:qzbd=bdqz` */
export const sorting = mapping('sort', (letters) => letters.toSorted().join(''))

/** `count:abba=4`: how many letters there are, modulo 10. */
export const count = mapping('count', ({ length }) => `${length % 10}`)
