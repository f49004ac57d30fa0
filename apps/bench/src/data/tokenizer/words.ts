/** What stands for the end of a line, and for words that a vocabulary does not have: WikiText's names. */
export const NEWLINE = '<eos>'
export const UNKNOWN = '<unk>'

/** What a word is, in regular expressions that mean the same to JavaScript and to Hugging Face's tokenizers. */
export const wordPatterns = {
  /** What is between spaces: of texts whose words and marks are apart already, as WikiText's are. */
  words: '\\S+',
  /** Words and marks of text as people write it. */
  prose: `${NEWLINE}|${UNKNOWN}|[\\p{L}\\p{N}]+(?:['’][\\p{L}\\p{N}]+)*|\\S`,
} as const

/** Bytes read at a time, up to the next line: a string has room for 2²⁹ characters, and WikiText-103 is longer. */
const PIECE = 2 ** 24

/** The words of a text, and {@link NEWLINE} for the end of each line. */
export function* splitWords(text: Uint8Array, pattern: string, piece = PIECE): Generator<string> {
  const word = new RegExp(pattern, 'gu')
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf(10, start + piece)
    const end = newline < 0 ? text.length : newline + 1
    const lines = new TextDecoder().decode(text.subarray(start, end)).split('\n')
    for (const [i, line] of lines.entries()) {
      yield* line.match(word) ?? []
      if (i < lines.length - 1) yield NEWLINE
    }
    start = end
  }
}

/** The ids of words, as many as there are: an array of numbers would be too long for a large text. */
export function idsOf(words: Iterable<string>, id: (word: string) => number): Int32Array {
  let ids = new Int32Array(1024)
  let count = 0
  for (const word of words) {
    if (count === ids.length) {
      const longer = new Int32Array(2 * count)
      longer.set(ids)
      ids = longer
    }
    ids[count++] = id(word)
  }
  return ids.slice(0, count)
}
