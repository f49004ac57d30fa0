// fairseq's word lists: fairseq/data/dictionary.py and fairseq/tokenizer.py.

/** Words and their ids, as fairseq has them. */
export interface FairseqDictionary {
  /** Ids in all. */
  readonly size: number
  /** The id that ends every line, and that evaluation reads first. */
  readonly endOfLine: number
  /** Ids of a text's words, with one for the end of each line; a word that is not in the list is `<unk>`. */
  encode(text: Uint8Array): Int32Array
  /** The same, and the byte of the text that each ends at. */
  locate(text: Uint8Array): { readonly tokens: Int32Array; readonly byteEnds: Int32Array }
  /** Words with a space after each; ends of lines as newlines. */
  decode(ids: Int32Array): string
  /** The content of a dict.txt. */
  toText(): string
}

const SPECIAL: readonly string[] = ['<s>', '<pad>', '</s>', '<unk>']
const [END, UNKNOWN] = [2, 3]
/** A dictionary's size is a multiple of it. */
const MULTIPLE = 8

/** What Python's `\s` takes for space, which is not what JavaScript's does. */
const SPACES = '\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000'
/** Words, and ends of lines as Python's text files have them. */
const TOKEN = new RegExp(`\r\n?|\n|[^${SPACES}]+`, 'gu')
/** Bytes read at a time, up to the next newline: a string has room for 2²⁹ characters. */
const PIECE = 2 ** 24

/**
 * Calls `found` with each word of a text, and with undefined for the end of each line, that of the text among them; and with
 * the byte that it ends at.
 *
 * @throws TypeError for text that is not UTF-8
 */
function readWords(text: Uint8Array, found: (word: string | undefined, end: () => number) => void): void {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let inLine = false
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf(10, start + PIECE)
    const stop = newline < 0 ? text.length : newline + 1
    const piece = decoder.decode(text.subarray(start, stop))
    let [from, bytes] = [0, start]
    for (const { 0: token, index } of piece.matchAll(TOKEN)) {
      inLine = !/^[\r\n]/.test(token)
      found(inLine ? token : undefined, () => {
        bytes += Buffer.byteLength(piece.slice(from, index + token.length))
        from = index + token.length
        return bytes
      })
    }
    inLine ||= !/[\r\n]$/.test(piece)
    start = stop
  }
  if (inLine) found(undefined, () => text.length)
}

/**
 * The list of a dict.txt: a line a word, with its count after a space; the first has id 4.
 *
 * @throws Error, one line, for a file of another kind
 */
export function parseFairseqDictionary(text: string): FairseqDictionary {
  const counts = new Map<string, number>()
  for (const [i, line] of text.replace(/\n$/, '').split('\n').entries()) {
    const at = line.lastIndexOf(' ')
    const [word, count] = [line.slice(0, at), line.slice(at + 1)]
    if (at < 0 || !/^\d+$/.test(count))
      throw new Error(`parseFairseqDictionary: expected a word and its count in line ${i + 1}, got another line`)
    if (counts.has(word) || SPECIAL.includes(word))
      throw new Error(`parseFairseqDictionary: expected each word once, got that of line ${i + 1} again`)
    counts.set(word, Number(count))
  }
  return dictionary(counts)
}

/**
 * The list that fairseq-preprocess makes of a training text: all words by their frequency, then by code points, then
 * `madeupword0000` and so on up to a multiple of 8 ids.
 */
export function fairseqDictionaryOf(text: Uint8Array): FairseqDictionary {
  const counts = new Map<string, number>()
  readWords(text, (word) => {
    if (word !== undefined) counts.set(word, (counts.get(word) ?? 0) + 1)
  })
  for (const word of SPECIAL) counts.delete(word)
  const sorted = new Map([...counts].sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b)))
  for (let i = 0; (SPECIAL.length + sorted.size) % MULTIPLE; i++) {
    const word = `madeupword${`${i}`.padStart(4, '0')}`
    if (!sorted.has(word)) sorted.set(word, 0)
  }
  return dictionary(sorted)
}

function dictionary(counts: ReadonlyMap<string, number>): FairseqDictionary {
  const words = [...SPECIAL, ...counts.keys()]
  const ids = new Map(words.map((word, id) => [word, id]))
  const idOf = (word: string | undefined) => (word === undefined ? END : (ids.get(word) ?? UNKNOWN))
  return Object.freeze({
    size: words.length,
    endOfLine: END,
    encode(text: Uint8Array) {
      const tokens = int32List()
      readWords(text, (word) => tokens.push(idOf(word)))
      return tokens.take()
    },
    locate(text: Uint8Array) {
      const [tokens, byteEnds] = [int32List(), int32List()]
      readWords(text, (word, end) => {
        tokens.push(idOf(word))
        byteEnds.push(end())
      })
      return { tokens: tokens.take(), byteEnds: byteEnds.take() }
    },
    decode: (tokens: Int32Array) => Array.from(tokens, (id) => (id === END ? '\n' : `${words[id]} `)).join(''),
    toText: () => [...counts].map(([word, count]) => `${word} ${count}\n`).join(''),
  })
}

/** Grows: an array of numbers would be too long for a large text. */
function int32List() {
  let list = new Int32Array(1024)
  let count = 0
  return {
    push(value: number) {
      if (count === list.length) {
        const longer = new Int32Array(2 * count)
        longer.set(list)
        list = longer
      }
      list[count++] = value
    },
    take: () => list.slice(0, count),
  }
}

/** Python's order of strings; JavaScript compares UTF-16, which differs beyond U+D7FF. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!
    if (difference) return difference
  }
  return left.length - right.length
}
