// The library's tokenizers with the same tokens in a fraction of the time: words come again and again in a text.
import type { Tokenizer } from '@huggingface/tokenizers'
import type { PreTokenizer } from './as-rust.js'
import { specialNames } from './special-tokens.js'
import { tokenizeAsRust, type Unigram } from './unigram.js'

// The parts of the library that are replaced here: its types say nothing of them.
interface Model {
  encode(words: string[]): string[]
}
interface BytePairs extends Model {
  readonly merges: readonly (readonly [string, string])[]
  /** Whether a word that is a token is not made of others. */
  readonly ignore_merges: boolean
  readonly end_of_word_suffix?: string
  readonly continuing_subword_suffix: string | null
  bpe(word: string): readonly string[]
}
interface ByteLevel extends PreTokenizer {
  readonly add_prefix_space: boolean
  readonly use_regex: boolean
  readonly pattern: RegExp
  readonly byte_encoder: Readonly<Record<number, string>>
  readonly text_encoder: { encode(text: string): Uint8Array }
}
const isBytePairs = (model: Model): model is BytePairs => 'merges' in model
const isUnigram = (model: Model): model is Model & Unigram => 'tokenize' in model
const isByteLevel = (pre: PreTokenizer): pre is ByteLevel => 'byte_encoder' in pre

/** The longest word that is kept. */
const LONGEST = 64
/** Words that are kept at most, some 20 MB: then it begins anew. */
const MOST = 2 ** 16

/** Makes a tokenizer keep what it has found for words, and cut words that are long texts. */
export function addWordCache(tokenizer: Tokenizer): void {
  const model: Model | null = tokenizer.model
  for (const each of byteLevels(tokenizer.pre_tokenizer)) keepBytes(each)
  if (!model) return
  if (isBytePairs(model)) mergeFaster(model)
  if (isUnigram(model)) tokenizeAsRust(model, specialNames(tokenizer))
  const encode = model.encode.bind(model)
  // The library's own makes an argument of each token, of which there may be too many.
  const tokensOf = kept((word) => (isUnigram(model) ? model.tokenize(word) : encode([word])))
  const partsOf = cutter(model)
  model.encode = (words) => {
    const tokens: string[] = []
    for (const word of words) for (const part of partsOf(word)) for (const token of tokensOf(part)) tokens.push(token)
    return tokens
  }
}

/** Keeps what is made of words. */
function kept<T extends object | string>(make: (word: string) => T): (word: string) => T {
  const known = new Map<string, T>()
  return (word) => {
    if (word.length > LONGEST) return make(word)
    const before = known.get(word)
    if (before !== undefined) return before
    const made = make(word)
    if (known.size === MOST) known.clear()
    known.set(copyOf(word), made)
    return made
  }
}

/** V8 keeps the whole text in memory for a part of it. */
const copyOf = (word: string) => Buffer.from(word, 'utf16le').toString('utf16le')

function byteLevels(pre: PreTokenizer | null): ByteLevel[] {
  if (!pre) return []
  if (pre.tokenizers) return pre.tokenizers.flatMap(byteLevels)
  return isByteLevel(pre) ? [pre] : []
}

/** A character for each byte of a word, as GPT-2 has it. */
function keepBytes(level: ByteLevel): void {
  const { byte_encoder, text_encoder, pattern } = level
  const inBytes = kept((word) => Array.from(text_encoder.encode(word), (byte) => byte_encoder[byte]!).join(''))
  level.pre_tokenize = (given) => {
    const words: string[] = []
    for (const text of [given].flat()) {
      const begun = level.add_prefix_space && !text.startsWith(' ') ? ` ${text}` : text
      for (const word of level.use_regex ? (begun.match(pattern) ?? []) : [begun]) words.push(inBytes(word))
    }
    return words
  }
}

/** Merges the pairs of words without a heap, which pays in longer ones alone. */
function mergeFaster(model: BytePairs): void {
  if (hasSuffix(model)) return
  const byFirst = new Map<string, Map<string, number>>()
  for (const [rank, [a, b]] of model.merges.entries()) {
    const ranks = byFirst.get(a) ?? new Map<string, number>()
    byFirst.set(a, ranks.set(b, rank))
  }
  const rankOf = (a: string, b: string | undefined) => byFirst.get(a)?.get(b!) ?? Infinity
  const bpe = model.bpe.bind(model)
  model.bpe = (word) => {
    if (word.length > LONGEST) return bpe(word)
    const parts = Array.from(word)
    const ranks = parts.map((part, i) => rankOf(part, parts[i + 1]))
    for (;;) {
      // The first of the lowest.
      let at = 0
      for (let i = 1; i < ranks.length; i++) if (ranks[i]! < ranks[at]!) at = i
      if (!(ranks[at]! < Infinity)) return parts
      parts.splice(at, 2, parts[at]! + parts[at + 1]!)
      ranks.splice(at, 2, rankOf(parts[at]!, parts[at + 1]))
      if (at > 0) ranks[at - 1] = rankOf(parts[at - 1]!, parts[at])
    }
  }
}

/** Whether a character is another one at the end of a word. */
const hasSuffix = (model: BytePairs) => Boolean(model.end_of_word_suffix || model.continuing_subword_suffix)

/**
 * Cuts a word between two characters that no piece of the vocabulary joins: no token lies across, so the parts have the tokens
 * of the whole. Vocabularies of SentencePiece without a pre-tokenizer have whole texts as words, which end before each ▁ then.
 */
function cutter(model: Model): (word: string) => readonly string[] {
  const joined = joinedIn(model)
  if (!joined) return (word) => [word]
  return (word) => {
    const parts: string[] = []
    let from = 0
    for (let at = 1; at < word.length; at++) {
      const [before, after] = [word.charCodeAt(at - 1), word.charCodeAt(at)]
      if (joined.has(pair(before, after)) || isSplitCharacter(before, after)) continue
      parts.push(word.slice(from, at))
      from = at
    }
    parts.push(word.slice(from))
    return parts
  }
}

/** The pairs of characters that tokens join; undefined for a model whose words are whole. */
function joinedIn(model: Model): Set<number> | undefined {
  // The best pieces of a part may be others than in the whole, where two ways cost the same but for rounding.
  if (!isBytePairs(model) || model.ignore_merges || hasSuffix(model)) return undefined
  // What a merge joins inside its parts, others joined before.
  return new Set(model.merges.map(([a, b]) => pair(a.charCodeAt(a.length - 1), b.charCodeAt(0))))
}

/** Two units of UTF-16. */
const pair = (a: number, b: number) => (a << 16) | b

/** Whether two units are one character. */
const isSplitCharacter = (a: number, b: number) => (a & 0xfc00) === 0xd800 && (b & 0xfc00) === 0xdc00
