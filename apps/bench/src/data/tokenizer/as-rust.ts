// Where the library does otherwise than Rust's tokenizers: its pre-tokenizers and normalizers are made to do as those. Characters that
// one side's Unicode does not have yet stay as they are: 4,644 letters of Unicode 17, and 21 letters that Node takes apart.
import type { Tokenizer } from '@huggingface/tokenizers'
import type { PartJson, TokenizerJson } from './hugging-face-json.js'
import { leftOut, marks, punctuation } from './unicode-8.js'

/** A pre-tokenizer of the library, of which its types say nothing. */
export interface PreTokenizer {
  pre_tokenize_text(text: string, options?: unknown): string[]
  pre_tokenize(text: string | readonly string[], options?: unknown): string[]
  /** Of several one after another. */
  readonly tokenizers?: readonly (PreTokenizer | null)[]
}

interface Normalizer {
  normalize(text: string): string
  /** Of several one after another. */
  readonly normalizers?: readonly (Normalizer | null)[]
}

/** @param json - what the tokenizer was made of */
export function readAsRust({ pre_tokenizer, normalizer }: Tokenizer, json: TokenizerJson): void {
  splitAsRust(pre_tokenizer, json.pre_tokenizer)
  normalizeAsRust(normalizer, json.normalizer)
}

function splitAsRust(pre: PreTokenizer | null, config: PartJson | null | undefined): void {
  if (!pre || !config) return
  for (const [i, each] of pre.tokenizers?.entries() ?? []) splitAsRust(each, config.pretokenizers?.[i])
  const pattern = patternOf(config)
  if (pattern) pre.pre_tokenize_text = (text) => text.match(pattern) ?? []
  if (config.type !== 'Metaspace' || config.split === false) return
  // The library leaves a whole text as one word, in which pieces could lie across words.
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

/** JavaScript's own \\s has U+FEFF and lacks U+0085, its \\w and \\d are of ASCII. */
const SPACE = '\\p{White_Space}'
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}'

/** What the words are; undefined where the library finds the same. */
function patternOf({ type, behavior = 'Isolated', individual_digits }: PartJson): RegExp | undefined {
  if (type === 'BertPreTokenizer') return regex(`[^${SPACE}${punctuation}]+|[${punctuation}]`)
  if (type === 'Punctuation') return delimited(punctuation)[behavior]
  if (type === 'Digits') return delimited('\\p{N}')[individual_digits ? 'Isolated' : 'Contiguous']
  if (type === 'Whitespace') return regex(`[${WORD}]+|[^${WORD}${SPACE}]+`)
  return type === 'WhitespaceSplit' ? regex(`[^${SPACE}]+`) : undefined
}

const regex = (pattern: string) => new RegExp(pattern, 'gu')

/** Words where a text is cut at characters, by what becomes of these. */
const delimited = (at: string): Readonly<Record<string, RegExp>> => ({
  Isolated: regex(`[^${at}]+|[${at}]`),
  Contiguous: regex(`[^${at}]+|[${at}]+`),
  Removed: regex(`[^${at}]+`),
  MergedWithPrevious: regex(`[^${at}]*[${at}]|[^${at}]+`),
  MergedWithNext: regex(`[${at}][^${at}]*|[^${at}]+`),
})

function normalizeAsRust(normalizer: Normalizer | null, config: PartJson | null | undefined): void {
  if (!normalizer || !config) return
  for (const [i, each] of normalizer.normalizers?.entries() ?? []) normalizeAsRust(each, config.normalizers?.[i])
  if (config.type === 'Lowercase') normalizer.normalize = lowerCase
  if (config.type === 'BertNormalizer') normalizer.normalize = (text) => normalizeForBert(text, config)
}

const LEFT_OUT = regex(`[${leftOut}]`)
const SPACES = regex(SPACE)
const MARKS = regex(`[${marks}]`)
/** Rust's ranges; the library's end at U+FFFF. */
const CHINESE = regex(
  '[\\u4e00-\\u9fff\\u3400-\\u4dbf\\uf900-\\ufaff\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b81f}\\u{2b920}-\\u{2ceaf}\\u{2f800}-\\u{2fa1f}]',
)

function normalizeForBert(text: string, config: PartJson): string {
  const { clean_text, handle_chinese_chars, lowercase, strip_accents } = config
  const clean = clean_text ? text.replace(LEFT_OUT, '').replace(SPACES, ' ') : text
  const apart = handle_chinese_chars ? clean.replace(CHINESE, ' $& ') : clean
  const plain = (strip_accents ?? lowercase) ? apart.normalize('NFD').replace(MARKS, '') : apart
  return lowercase ? lowerCase(plain) : plain
}

/** Character by character: JavaScript writes a sigma at the end of a word otherwise. */
const lowerCase = (text: string) => text.replaceAll('Σ', 'σ').toLowerCase()
