import { int32List } from './int32-list.js'
import { byteLevel, tokenizerFiles, wordLevel } from './tokenizer-json.js'
import { encodeWords, finish, NEWLINE, pieces, UNKNOWN, wordPatterns, wordsOf } from './words.js'

/** The tokens of a text. */
export interface Located {
  readonly tokens: Int32Array
  /** Bytes of the text up to the end of each token; spaces that no token has are part of the one after them. */
  readonly byteEnds: Int32Array
}

/** What a text begins (`<s>`) or ends with (`</s>`; of words, the end of a line). */
export type TextMark = 'bos' | 'eos'

/** How a text is encoded. */
export interface Encoding {
  /** Whether a piece is before it; some tokenizers write a start otherwise. Default false */
  readonly continues?: boolean
  /** Whether a piece is after it; fairseq's words end with the end of a line. Default false */
  readonly goesOn?: boolean
  /** Whether names of special tokens are these tokens, as prompts have them. Default false: they are text like others */
  readonly marked?: boolean
}

/** Text to token ids and back. */
export interface Tokenizer {
  readonly kind: 'bytes' | 'words' | 'tokens'
  /** Without the tokens that mark where a text begins or ends: held-out text is read from its middle. */
  encode(text: Uint8Array, how?: Encoding): Int32Array
  /** The same tokens, and where each is in the text. */
  locate(text: Uint8Array, how?: Encoding): Located
  decode(tokens: Int32Array): string
  /** The same with what a text of its own begins with, `<s>` for some. Names of special tokens in it are these tokens. */
  encodePrompt(text: string): Int32Array
  /** The tokens that texts begin or end with, as far as it has them. */
  readonly marks: Readonly<Partial<Record<TextMark, number>>>
  /** The files that Hugging Face's libraries read it from, by their names. */
  files(): Readonly<Record<string, string>>
}

/** One that goes into checkpoints as plain data, so that a model can be used without its text. */
export interface StoredTokenizer extends Tokenizer {
  /** Its last id + 1. */
  readonly vocabularySize: number
  /** What `restoreTokenizer` needs. */
  toJSON(): TokenizerData
}

/** A tokenizer as checkpoints keep it. */
type TokenizerData =
  | { readonly kind: 'bytes' }
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly prose?: boolean }
  | {
      readonly kind: 'words'
      /** The content of fairseq's dict.txt. */
      readonly dictionary: string
    }
  | { readonly kind: 'tokens'; readonly files: Readonly<Record<string, string>> }

/** One token a byte, whatever the language or encoding: 256 of them. */
export const byteTokenizer: StoredTokenizer = {
  kind: 'bytes',
  vocabularySize: 256,
  encode: (text) => Int32Array.from(text),
  locate: (text) => ({ tokens: Int32Array.from(text), byteEnds: Int32Array.from(text, (_, i) => i + 1) }),
  decode: (tokens) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(tokens)),
  encodePrompt: (text) => Int32Array.from(Buffer.from(text)),
  marks: {},
  files: () => tokenizerFiles(byteLevel()),
  toJSON: () => ({ kind: 'bytes' }),
}

/** One token a word, and one for the end of each line. Words that are not in the list become `<unk>`. */
export function wordTokenizer(words: readonly string[], prose = false): StoredTokenizer {
  const pattern = wordPatterns[prose ? 'prose' : 'words']
  const ids = new Map(words.map((word, id) => [word, id]))
  const unknown = ids.get(UNKNOWN)!
  const idOf = (word: string) => ids.get(word) ?? unknown
  const encode = (text: Uint8Array) => finish(encodeWords(text, pattern, idOf))
  return {
    kind: 'words',
    vocabularySize: words.length,
    encode,
    locate(text) {
      const byteEnds = int32List()
      return { tokens: finish(encodeWords(text, pattern, idOf, byteEnds)), byteEnds: byteEnds.take() }
    },
    encodePrompt: (text) => encode(Buffer.from(text)),
    marks: { eos: ids.get(NEWLINE)! },
    files: () => tokenizerFiles(wordLevel(ids, pattern)),
    decode: (tokens) => Array.from(tokens, (id) => (words[id] === NEWLINE ? '\n' : `${words[id]} `)).join(''),
    toJSON: () => ({ kind: 'words', words: [...words], ...(prose && { prose }) }),
  }
}

/** The tokenizer of the `size` most frequent words of a text: of the training text only, so nothing leaks. */
export function wordTokenizerOf(text: Uint8Array, size: number, kind: 'words' | 'prose' = 'words'): StoredTokenizer {
  const counter = wordCounter(kind)
  counter.add(text)
  return counter.tokenizer(size)
}

/** {@link wordTokenizerOf} for texts that come in pieces. */
export function wordCounter(kind: 'words' | 'prose') {
  const counts = new Map<string, number>()
  return {
    add(text: Uint8Array): void {
      for (const { text: piece } of pieces(text))
        for (const word of wordsOf(piece, wordPatterns[kind])) counts.set(word, (counts.get(word) ?? 0) + 1)
    },
    tokenizer(size: number): StoredTokenizer {
      counts.delete(UNKNOWN)
      counts.delete(NEWLINE)
      const byFrequency = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([word]) => word)
      return wordTokenizer([UNKNOWN, NEWLINE, ...byFrequency.slice(0, Math.max(0, size - 2))], kind === 'prose')
    },
  }
}
