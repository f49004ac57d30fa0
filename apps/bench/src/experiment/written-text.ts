import { createTextStream } from '../data/tokenizer/text-stream.js'
import type { Tokenizer } from '../data/tokenizer/tokenizer.js'

/** Why a text ended: a token that ends texts, a stop string, or neither, as it has as many tokens as it may. */
type EndOf = 'end of text' | 'stop' | 'length'

/** The text of tokens as they are drawn, up to where it ends. */
export interface WrittenText {
  /** @returns `'stop'` where the text has a stop string, which is not part of it */
  push(token: number): 'stop' | undefined
  /** Writes what was held back: the bytes of half a character, and what might have become a stop string. */
  finish(): void
  /** What was written. */
  readonly text: string
  /** Tokens drawn, the one that ends the text included. */
  readonly numTokens: number
  readonly end: EndOf
}

export interface WritingOptions {
  readonly tokenizer: Tokenizer
  /** The tokens before the text. */
  readonly prompt: Int32Array
  /** Tokens that end it; they are not written. */
  readonly endTokens: readonly number[]
  /** Strings that end it, none of them empty. */
  readonly stop?: readonly string[] | undefined
  /** Receives the text piece by piece, each as soon as it is complete. */
  readonly write?: ((text: string) => void) | undefined
}

/** @param options - see {@link WritingOptions} */
export function writtenText({ tokenizer, prompt, endTokens, stop = [], write }: WritingOptions): WrittenText {
  const stream = createTextStream(tokenizer, prompt)
  let [text, held, numTokens] = ['', '', 0]
  let end: EndOf = 'length'
  const release = (length: number) => {
    const piece = held.slice(0, length)
    held = held.slice(length)
    text += piece
    if (piece) write?.(piece)
  }
  const take = (piece: string): 'stop' | undefined => {
    held += piece
    const found = stop.map((each) => held.indexOf(each)).filter((at) => at >= 0)
    if (found.length) {
      release(Math.min(...found))
      held = ''
      end = 'stop'
      return 'stop'
    }
    release(held.length - longestStart(held, stop))
    return undefined
  }
  return {
    push(token) {
      numTokens += 1
      if (!endTokens.includes(token)) return take(stream.push(token))
      end = 'end of text'
      return undefined
    },
    finish() {
      if (end !== 'stop') take(stream.end())
      release(held.length)
    },
    get text() {
      return text
    },
    get numTokens() {
      return numTokens
    },
    get end() {
      return end
    },
  }
}

/** How long the longest end of a text is that a stop string begins with. */
function longestStart(text: string, stop: readonly string[]): number {
  const lengths = stop.flatMap((each) =>
    Array.from({ length: Math.min(each.length - 1, text.length) }, (_, i) => i + 1).filter((length) =>
      each.startsWith(text.slice(text.length - length)),
    ),
  )
  return Math.max(0, ...lengths)
}
