import { int32List } from './int32-list.js'

/** What stands for the end of a line, and for words that a vocabulary does not have: WikiText's names. */
export const NEWLINE = '<eos>'
export const UNKNOWN = '<unk>'

/** Where a line ends: also at a lone CR, as where Python reads text, fairseq too. */
export const LINE_END = '\\r\\n?|\\n'

/**
 * Unicode's White_Space and U+001C–1F, which is what Python calls a space and fairseq splits at. Each regular expression
 * engine has another `\s`: JavaScript's has U+FEFF and lacks U+0085, so the characters themselves are named.
 */
const SPACES = '\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000'

/** Letters, digits and the marks that stand on them. */
const LETTERS = '[\\p{L}\\p{M}\\p{N}]+'
/** What may be within a word: apostrophes, Catalan's dot, Hebrew's geresh, zero-width (non-)joiners and soft hyphens. */
const INSIDE = "(?:['’·\u05f3\u05f4]|[\u200c\u200d\u00ad\u2060]+)"

/** What a word is, in regular expressions that mean the same to JavaScript and to Hugging Face's tokenizers. */
export const wordPatterns = {
  /** What is between spaces: of texts whose words and marks are apart already, as WikiText's are. */
  words: `[^${SPACES}]+`,
  /** Words and punctuation of text as people write it. */
  prose: `${NEWLINE}|${UNKNOWN}|${LETTERS}(?:${INSIDE}${LETTERS})*|[^${SPACES}]\\p{M}*`,
} as const

/** Bytes read at a time: a string has room for 2²⁹ characters, and WikiText-103 is longer. */
const PIECE = 2 ** 20

/** Work in steps, each of which says how many bytes of its text are done. */
type Steps<T> = Generator<number, T>

/** All steps at once. */
export function finish<T>(steps: Steps<T>): T {
  let step = steps.next()
  while (!step.done) step = steps.next()
  return step.value
}

/** A text's pieces, which end at the ends of lines or, in very long lines, of words. */
export function* pieces(text: Uint8Array, piece = PIECE): Generator<{ readonly text: string; readonly end: number }> {
  // Without its own idea of U+FEFF: it would drop one at the start of every piece.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  for (let start = 0; start < text.length; ) {
    const after = Math.min(start + piece, text.length)
    const newline = text.subarray(after, after + piece).indexOf(10)
    const stop = newline < 0 ? text.indexOf(32, after) : after + newline
    const end = stop < 0 ? text.length : stop + 1
    yield { text: decoder.decode(text.subarray(start, end)), end }
    start = end
  }
}

/** The words of a piece, and {@link NEWLINE} for the end of each line. */
export const wordsOf = (piece: string, pattern: string): string[] =>
  (piece.match(matcher(pattern)) ?? []).map((word) => (isLineEnd(word) ? NEWLINE : word))

/** The ids of a text's words, and with `byteEnds` the byte of the text that each ends at. */
export function* encodeWords(
  text: Uint8Array,
  pattern: string,
  id: (word: string) => number,
  byteEnds?: ReturnType<typeof int32List>,
): Steps<Int32Array> {
  const ids = int32List()
  const match = matcher(pattern)
  let start = 0
  for (const { text: piece, end } of pieces(text)) {
    let [from, bytes] = [0, start]
    match.lastIndex = 0
    for (let found = match.exec(piece); found; found = match.exec(piece)) {
      ids.push(id(isLineEnd(found[0]) ? NEWLINE : found[0]))
      if (!byteEnds) continue
      bytes += Buffer.byteLength(piece.slice(from, match.lastIndex))
      from = match.lastIndex
      // Bytes that are no UTF-8 are each decoded as a character of three.
      byteEnds.push(Math.min(bytes, end))
    }
    start = end
    yield end
  }
  return ids.take()
}

const matcher = (pattern: string) => new RegExp(`${LINE_END}|${pattern}`, 'gu')

const isLineEnd = (word: string) => word[0] === '\n' || word[0] === '\r'
