/** Bytes of a piece: a string has room for 2²⁹ characters, and texts are longer. */
const PIECE = 2 ** 20
/** A place to cut is looked for in so many pieces; in what has none, e.g. a line without spaces, any character is one. */
const LONGEST = 4

/**
 * Cuts a text where no token of any usual tokenizer lies across: between two lines, or between two words of ASCII letters.
 *
 * @param parts - the text, in parts of any lengths
 * @param piece - bytes of a piece, at least
 */
export async function* textPieces(
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  piece = PIECE,
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array()
  for await (const part of parts) {
    rest = rest.length ? Buffer.concat([rest, part]) : part
    for (let end = endOfPiece(rest, piece); end !== undefined; end = endOfPiece(rest, piece)) {
      yield rest.subarray(0, end)
      rest = rest.subarray(end)
    }
  }
  if (rest.length) yield rest
}

/** Undefined where more must be known of the text. */
function endOfPiece(text: Uint8Array, piece: number): number | undefined {
  const last = Math.min(text.length - 2, LONGEST * piece)
  for (let at = piece; at <= last; at++) if (isBetween(text, at)) return at
  return last === LONGEST * piece ? characterStart(text, last) : undefined
}

const LINE = 10
const SPACE = 32
const isSpace = (byte: number | undefined) => byte === undefined || byte === SPACE || (byte >= 9 && byte <= 13)
const isLetter = (byte: number) => (byte | SPACE) >= 0x61 && (byte | SPACE) <= 0x7a

/** Spaces that stand together are one token for some. A space belongs to the word after it. */
const isBetween = (text: Uint8Array, at: number): boolean =>
  (text[at - 1] === LINE && !isSpace(text[at - 2]) && !isSpace(text[at])) ||
  (text[at] === SPACE && isLetter(text[at - 1]!) && isLetter(text[at + 1]!))

/** The first place from `at` on where a character of UTF-8 begins; `at` itself in what is no UTF-8. */
export function characterStart(text: Uint8Array, at: number): number {
  const next = [0, 1, 2, 3].find((more) => (text[at + more]! & 0xc0) !== 0x80)
  return next === undefined ? at : at + next
}
