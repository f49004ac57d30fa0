// The arithmetic of Kazemnejad et al. (2023, arXiv 2305.19466), "The Impact of Positional Encoding on Length Generalization in
// Transformers". Their prompts are sentences; these are as short as bytes allow. A byte is a token, as each digit was theirs.
import { between, picks } from './random.js'
import type { Task } from './task.js'

/** An integer of so many digits, the first not 0 unless it is alone. */
const integer = (digits: number, random: () => number): string =>
  [between(digits > 1 ? 1 : 0, 9, random), ...picks('0123456789', digits - 1, random)].join('')

/** `407+83=490`: the length is the digits of the longer operand, which is as often the first; the other has 1 to as many. */
export const addition: Task = {
  unit: 'digits',
  trial(length, random) {
    const longer = integer(length, random)
    const other = integer(between(1, length, random), random)
    const [a, b] = random() < 0.5 ? [longer, other] : [other, longer]
    return { prompt: `${a}+${b}=`, answer: `${BigInt(a) + BigInt(b)}` }
  },
}

/** `3+9+4=6`: numbers from 1 to 9, their sum modulo 10. */
export const sum: Task = {
  unit: 'numbers',
  trial(length, random) {
    const numbers = Array.from({ length }, () => between(1, 9, random))
    return { prompt: `${numbers.join('+')}=`, answer: `${numbers.reduce((a, b) => a + b) % 10}` }
  },
}

/** `1 0 1 1?odd`: whether the number of ones is even or odd. */
export const parity: Task = {
  unit: 'bits',
  trial(length, random) {
    const bits = Array.from({ length }, () => between(0, 1, random))
    const ones = bits.reduce((a, b) => a + b)
    return { prompt: `${bits.join(' ')}?`, answer: ones % 2 ? 'odd' : 'even' }
  },
}

/**
 * `x=-2:3x2-1x0=1`: the value at x modulo 10, from 0 to 9. x is from −2 to 2, coefficients from −3 to 3, powers from 0 to 3.
 */
export const polynomial: Task = {
  unit: 'terms',
  trial(length, random) {
    const x = between(-2, 2, random)
    const terms = Array.from({ length }, () => ({
      coefficient: between(-3, 3, random),
      power: between(0, 3, random),
    }))
    const value = terms.reduce((total, { coefficient, power }) => total + coefficient * x ** power, 0)
    const written = terms.map(
      ({ coefficient, power }, i) => `${i && coefficient >= 0 ? '+' : ''}${coefficient}x${power}`,
    )
    return { prompt: `x=${x}:${written.join('')}=`, answer: `${((value % 10) + 10) % 10}` }
  },
}
