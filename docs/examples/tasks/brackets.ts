// A task of your own: which bracket closes what is still open. `pnpm bench run --data task:./brackets.ts` trains on it byte by
// byte, short trials, and tries long ones. All chance comes from `random`, so that every model gets the same trials.

const PAIRS = ['()', '[]', '{}']

export const brackets = {
  /** What lengths count, for the report. */
  unit: 'brackets',
  shortest: 2,
  /**
   * @param length - brackets in the prompt
   * @param random - uniform in [0, 1)
   */
  trial(length: number, random: () => number) {
    const open: string[] = []
    let prompt = ''
    while (prompt.length < length) {
      const pair = PAIRS[Math.floor(random() * PAIRS.length)]!
      const closes = open.length > 1 && random() < 0.5
      if (!closes) open.push(pair[1]!)
      prompt += closes ? open.pop() : pair[0]
    }
    return { prompt: `${prompt} `, answer: open.toReversed().join('') }
  },
}
