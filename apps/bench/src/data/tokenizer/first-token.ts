import type { Located, TextMark, Tokenizer } from './tokenizer.js'

/**
 * What may be read before a text, so that all of its tokens are scored: a model predicts none from nothing. `bos` is read in place
 * of every window's first token, too.
 */
export const firstTokens = ['eos', 'bos', 'none'] as const
/** `none`: a text's own first token is read and not scored. */
export type FirstToken = TextMark | 'none'

/**
 * The token that a mark is; undefined for none.
 *
 * @throws Error, one line, for a token that the tokenizer does not have
 */
export function tokenOf(mark: FirstToken, { marks }: Pick<Tokenizer, 'marks'>): number | undefined {
  if (mark !== 'none' && marks[mark] === undefined)
    throw new Error(
      `data: expected --first-token with a token that the model has, got ${mark}; it has none, leave it out`,
    )
  return mark === 'none' ? undefined : marks[mark]
}

/**
 * The text with a token before it that stands for no bytes.
 *
 * @throws Error, one line, for a token that the tokenizer does not have
 */
export function withFirst(
  { tokens, byteEnds }: Located,
  tokenizer: Pick<Tokenizer, 'marks'>,
  mark: FirstToken,
): Located {
  if (mark === 'none') return { tokens, byteEnds }
  const first = tokenOf(mark, tokenizer)!
  const before = (value: number, list: Int32Array) => {
    const out = new Int32Array(list.length + 1)
    out[0] = value
    out.set(list, 1)
    return out
  }
  return { tokens: before(first, tokens), byteEnds: before(0, byteEnds) }
}
