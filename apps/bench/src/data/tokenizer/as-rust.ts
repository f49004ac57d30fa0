import type { TokenizerJson } from './hugging-face-json.js'

/** A pre-tokenizer of the library, of which its types say nothing. */
export interface PreTokenizer {
  pre_tokenize_text(text: string, options?: unknown): string[]
  pre_tokenize(text: string | readonly string[], options?: unknown): string[]
  /** Of several one after another. */
  readonly tokenizers?: readonly (PreTokenizer | null)[]
}

/**
 * Makes words end before each ▁ where the file has them so, as Rust's tokenizers do: the library leaves a whole text as one word,
 * in which pieces could lie across words.
 *
 * @param config - what the file says of it
 */
export function splitMetaspace(pre: PreTokenizer | null, config: TokenizerJson['pre_tokenizer']): void {
  if (!pre || !config) return
  for (const [i, each] of pre.tokenizers?.entries() ?? []) splitMetaspace(each, config.pretokenizers?.[i])
  if (config.type !== 'Metaspace' || config.split === false) return
  const replacement = config.replacement ?? '▁'
  const whole = pre.pre_tokenize_text.bind(pre)
  pre.pre_tokenize_text = (text, options) => whole(text, options).flatMap((word) => wordsOf(word, replacement))
}

/** Cut before each replacement. */
function wordsOf(text: string, replacement: string): string[] {
  const words: string[] = []
  let from = 0
  for (let at = text.indexOf(replacement, 1); at > 0; at = text.indexOf(replacement, at + 1)) {
    words.push(text.slice(from, at))
    from = at
  }
  words.push(text.slice(from))
  return words
}
