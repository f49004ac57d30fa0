import type { AnsweredText } from '@alibi/transformer'
import { type FirstToken, withFirst } from '../tokenizer/first-token.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { END, type Trial, textOfTrial } from './task.js'

/** A trial in tokens. */
export interface AskedTrial extends AnsweredText {
  /** Which of the answer's tokens each part has: from the first up to the one after the last. */
  readonly parts: readonly (readonly [from: number, to: number])[]
  /**
   * Tokens that generation may take for the answer: as many as it has, or where its parts count by themselves, twice as many and
   * at least 16, as other words may stand between them.
   */
  readonly room: number
}

/** Tokens of a trial with room for an answer that is generated. */
export const sizeOf = ({ tokens, answerLength, room }: AskedTrial): number => tokens.length - answerLength + room

const LEAST_ROOM = 16

const bytes = (text: string) => new TextEncoder().encode(text)

/**
 * A trial as a model reads it. Tokens belong to the answer from the first that has a byte of it: where a tokenizer joins the end
 * of the prompt with the start of the answer, that one included. Names of special tokens are these tokens, as in prompts.
 *
 * @param mark - what is read before the prompt
 */
export function askedTrial(trial: Trial, tokenizer: Tokenizer, mark: FirstToken = 'none'): AskedTrial {
  const { prompt, answer, parts } = trial
  const located = withFirst(tokenizer.locate(bytes(textOfTrial(trial)), { marked: true }), tokenizer, mark)
  const { tokens, byteEnds } = located
  const answerStart = bytes(prompt).length
  const first = byteEnds.findIndex((end) => end > answerStart)
  const tokensOf = (from: number, to: number): [number, number] => [
    byteEnds.findIndex((end) => end > from) - first,
    byteEnds.findIndex((end) => end >= to) - first + 1,
  ]
  let at = 0
  const spans = (parts ?? [`${answer}${END}`]).map((part) => {
    at = `${answer}${END}`.indexOf(part, at)
    const from = answerStart + bytes(answer.slice(0, at)).length
    at += part.length
    return tokensOf(from, from + bytes(part).length)
  })
  const answerLength = tokens.length - first
  return { tokens, answerLength, parts: spans, room: parts ? Math.max(LEAST_ROOM, 2 * answerLength) : answerLength }
}
