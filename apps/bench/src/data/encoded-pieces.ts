import type { Piece } from './text-stream.js'
import type { DocumentMarks } from './tokenizer/document-marks.js'
import type { Encoding, Located, Tokenizer } from './tokenizer/tokenizer.js'

const NEWLINE = Buffer.from('\n')

/** Located tokens, piece by piece. Documents without marks are joined by newlines. */
async function* locatedParts(
  pieces: AsyncIterable<Piece>,
  { before, after }: DocumentMarks,
  read: (text: Uint8Array, how: Encoding) => Located,
): AsyncGenerator<Located & { readonly bytes: number }> {
  const mark = (token: number) => ({ tokens: Int32Array.of(token), byteEnds: Int32Array.of(0), bytes: 0 })
  const textPart = (text: Uint8Array, how: Encoding) => ({ ...read(text, how), bytes: text.length })
  let first = true
  for await (const [{ text, starts }, next] of withNext(pieces)) {
    if (starts && !first && after !== undefined) yield mark(after)
    if (starts && before !== undefined) yield mark(before)
    else if (starts && !first) yield textPart(NEWLINE, { continues: true, goesOn: true })
    const endsText = next === undefined || (next.starts && before !== undefined)
    yield textPart(text, { continues: !starts, goesOn: !endsText })
    first = false
  }
  if (!first && after !== undefined) yield mark(after)
}

/** Each with the one after it. */
async function* withNext<T>(all: AsyncIterable<T>): AsyncGenerator<readonly [T, T | undefined]> {
  let before: { readonly value: T } | undefined
  for await (const value of all) {
    if (before) yield [before.value, value]
    before = { value }
  }
  if (before) yield [before.value, undefined]
}

const NOWHERE = new Int32Array()

/** The tokens of a text, piece by piece. */
export async function* encodedParts(
  pieces: AsyncIterable<Piece>,
  tokenizer: Tokenizer,
  marks: DocumentMarks,
): AsyncGenerator<Int32Array> {
  const read = (text: Uint8Array, how: Encoding) => ({ tokens: tokenizer.encode(text, how), byteEnds: NOWHERE })
  for await (const { tokens } of locatedParts(pieces, marks, read)) yield tokens
}

/**
 * The tokens of a text and where they are in it, up to the piece that makes them enough.
 *
 * @param enough - tokens
 */
export async function locatePieces(
  pieces: AsyncIterable<Piece>,
  tokenizer: Tokenizer,
  marks: DocumentMarks,
  enough: number,
): Promise<Located> {
  const parts: Located[] = []
  let [count, bytes] = [0, 0]
  for await (const part of locatedParts(pieces, marks, (text, how) => tokenizer.locate(text, how))) {
    const from = bytes
    parts.push({ tokens: part.tokens, byteEnds: part.byteEnds.map((end) => from + end) })
    count += part.tokens.length
    bytes += part.bytes
    if (count >= enough) break
  }
  return {
    tokens: joined(parts.map(({ tokens }) => tokens)),
    byteEnds: joined(parts.map(({ byteEnds }) => byteEnds)),
  }
}

/** Lists one after another. */
export function joined(parts: readonly Int32Array[]): Int32Array {
  if (parts.length === 1) return parts[0]!
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let end = 0
  for (const part of parts) {
    all.set(part, end)
    end += part.length
  }
  return all
}
