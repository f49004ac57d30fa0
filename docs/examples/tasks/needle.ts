// The simplest retrieval: one letter among digits, asked for at the end, however long ago it was. What stands out is looked for
// by what it is, so that a small model learns it in a few hundred steps; what differs between positions is how far back it is found.

const pick = (from: string, random: () => number) => from[Math.floor(random() * from.length)]!

export const needle = {
  /** What lengths count, for the report. */
  unit: 'digits',
  /**
   * @param length - digits in the prompt
   * @param random - uniform in [0, 1)
   */
  trial(length: number, random: () => number) {
    const characters = Array.from({ length }, () => pick('0123456789', random))
    const letter = pick('abcdefghijklmnopqrstuvwxyz', random)
    characters.splice(Math.floor(random() * (length + 1)), 0, letter)
    return { prompt: `${characters.join('')}?`, answer: letter }
  },
}
