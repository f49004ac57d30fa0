import type { Tokenizer } from './tokenizer.js'

/** Longest UTF-8 character in bytes: what does not decode after so many tokens never will. */
const LONGEST = 4

/**
 * The text of tokens that come one by one: a token may be part of a character, and some tokenizers write a token
 * otherwise at the start than after another.
 *
 * @param before - the tokens that precede them
 */
export function createTextStream(tokenizer: Tokenizer, before: Int32Array) {
  const tokens = [...before.slice(-8)]
  let [from, shown] = [0, tokens.length]
  const textOf = (end?: number) => tokenizer.decode(Int32Array.from(tokens.slice(from, end)))
  const take = (complete: boolean) => {
    const text = textOf()
    if (!complete && text.endsWith('\uFFFD') && tokens.length - shown < LONGEST) return ''
    const fresh = text.slice(textOf(shown).length)
    ;[from, shown] = [shown, tokens.length]
    return fresh
  }
  return {
    /** @returns the text that the token completes */
    push(token: number): string {
      tokens.push(token)
      return take(false)
    },
    /** @returns what was held back */
    end: () => (shown < tokens.length ? take(true) : ''),
  }
}
