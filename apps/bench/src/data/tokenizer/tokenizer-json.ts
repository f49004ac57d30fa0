// The bench's own tokenizers in the form of Hugging Face's tokenizer.json.
import { LINE_END, NEWLINE, UNKNOWN } from './words.js'

const onBytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }

/** What makes a vocabulary one of bytes: words as GPT-2 finds them, a character for each byte. */
export const byteLevelParts = { pre_tokenizer: onBytes, decoder: onBytes }

/** One token a byte: byte-level BPE that merges nothing. */
export function byteLevel(): object {
  const vocab = Object.fromEntries(Array.from({ length: 256 }, (_, byte) => [byteCharacter(byte), byte]))
  return {
    ...byteLevelParts,
    model: { type: 'BPE', vocab, merges: [], fuse_unk: false, byte_fallback: false },
  }
}

/** Words as a pattern finds them, and one for the end of each line. */
export const wordLevel = (ids: ReadonlyMap<string, number>, pattern: string): object => ({
  normalizer: { type: 'Replace', pattern: { Regex: LINE_END }, content: ` ${NEWLINE} ` },
  pre_tokenizer: { type: 'Split', pattern: { Regex: pattern }, behavior: 'Removed', invert: true },
  model: { type: 'WordLevel', vocab: Object.fromEntries(ids), unk_token: UNKNOWN },
})

/** The files of a folder with a model, from the parts that are not null. */
export const tokenizerFiles = (parts: object): Record<string, string> => ({
  'tokenizer.json': JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...parts,
  }),
  'tokenizer_config.json': JSON.stringify({
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
  }),
})

/** The character that stands for a byte in byte-level vocabularies: itself if it prints, else one from 256 on (GPT-2). */
export function byteCharacter(byte: number): string {
  const prints = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b !== 173)
  if (prints(byte)) return String.fromCharCode(byte)
  const unprintable = Array.from({ length: byte }, (_, b) => b).filter((b) => !prints(b)).length
  return String.fromCharCode(256 + unprintable)
}
