import type { Tokenizer } from '@huggingface/tokenizers'

/** A token that was added to a vocabulary. */
interface AddedToken {
  readonly content: string
  /** Whether it marks something: it is no text. */
  readonly special: boolean
  readonly normalized: boolean
}

/**
 * The tokenizer, but for the names of special tokens in a text, which are text like others: as Rust's tokenizers read them with
 * `encode_special_tokens`, and transformers with `split_special_tokens`. Other added tokens stay what they are.
 */
export function readingMarksAsText(tokenizer: Tokenizer): Tokenizer {
  const { normalizer, added_tokens_map: all } = tokenizer
  const texts: AddedToken[] = tokenizer.added_tokens.filter(({ special }: AddedToken) => !special)
  const isNormalized = ({ normalized }: AddedToken) => normalized && normalizer !== null
  const { constructor: Splitter } = tokenizer.splitter_unnormalized
  return Object.assign(Object.create(tokenizer), {
    added_tokens_map: new Map(Array.from<[string, AddedToken]>(all).filter(([, { special }]) => !special)),
    splitter_unnormalized: new Splitter(texts.filter((each) => !isNormalized(each)).map(({ content }) => content)),
    splitter_normalized: new Splitter(texts.filter(isNormalized).map(({ content }) => normalizer(content))),
  })
}

/** The names of its special tokens. */
export const specialNames = ({ added_tokens }: Tokenizer): ReadonlySet<string> =>
  new Set(added_tokens.filter(({ special }: AddedToken) => special).map(({ content }: AddedToken) => content))
