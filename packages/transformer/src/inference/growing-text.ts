import { seededRandom } from '@alibi/core'
import { penalizeRepetition } from './repetition.js'
import { type SamplingOptions, sampleToken } from './sampling.js'

/** What decides how a text grows, and where it ends. */
export interface GrowthOptions extends SamplingOptions {
  /** Most tokens to generate for each prompt. */
  readonly maxNewTokens: number
  /** Of the draws; each prompt has draws of its own, from the same seed. Default 0. */
  readonly seed?: number
  /**
   * Above 0; above 1, tokens that the text has already become less likely: their logits are divided by it, or multiplied where
   * they are below 0 (Keskar et al., 2019; transformers' `repetition_penalty`). Before the temperature. Default 1: none.
   */
  readonly repetitionPenalty?: number | undefined
  /** Tokens that end a text; the one that ends it is its last. Default none. */
  readonly endTokens?: readonly number[] | undefined
  /** Called with each new token as soon as it is drawn, and its prompt's index. Returns `'stop'` to end that text. */
  readonly onToken?: (token: number, row: number) => unknown
}

/** A prompt and the tokens after it, as they are drawn. */
export interface GrowingText {
  /** The last token of all. */
  readonly last: number
  /** Those after the prompt. */
  readonly drawn: readonly number[]
  readonly isEnded: boolean
  /** Draws a token from the logits after the last one, which it may change. */
  grow(logits: Float32Array): void
}

/** @param row - which of the prompts it is */
export function growingText(prompt: Int32Array, row: number, options: GrowthOptions): GrowingText {
  const { maxNewTokens, seed = 0, repetitionPenalty = 1, endTokens = [], onToken } = options
  const random = seededRandom(seed)
  const seen = new Set(repetitionPenalty === 1 ? [] : prompt)
  const drawn: number[] = []
  let isEnded = maxNewTokens === 0
  return {
    get last() {
      return drawn.at(-1) ?? prompt.at(-1)!
    },
    drawn,
    get isEnded() {
      return isEnded
    },
    grow(logits) {
      if (repetitionPenalty !== 1) penalizeRepetition(logits, seen, repetitionPenalty)
      const token = sampleToken(logits, options, random)
      drawn.push(token)
      seen.add(token)
      const isStopped = onToken?.(token, row) === 'stop'
      isEnded = isStopped || endTokens.includes(token) || drawn.length === maxNewTokens
    },
  }
}
