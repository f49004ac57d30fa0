// Text that is larger than memory, and documents.
import { isUtf8 } from 'node:buffer'
import { documentsOf, isDocuments } from './documents.js'
import { notAllUtf8 } from './encoding.js'
import type { FoundFiles } from './found-files.js'
import { type JoinedFiles, joinFiles } from './joined-files.js'
import { HELD_OUT, type ReadOptions } from './split-text.js'
import { characterStart, textPieces } from './text-pieces.js'

/** A piece of a text. */
export interface Piece {
  readonly text: Uint8Array
  /** Whether a document begins with it; otherwise it goes on from the piece before. */
  readonly starts: boolean
}

/** A text in pieces, which are read anew each time that they are asked for. */
export interface TextStream {
  train(): AsyncIterable<Piece>
  valid(): AsyncIterable<Piece>
  /** Bytes to train on, where they are known before they are read. */
  readonly trainBytes?: number | undefined
  /** Whether its documents stand for themselves: a plain text is one. */
  readonly hasDocuments: boolean
  /** Where it comes from and how it was split, in a few words. */
  readonly description: string
}

/** Of so many documents one is held out. */
const EVERY = Math.round(1 / HELD_OUT)

/**
 * Opens files as a stream. Of documents every tenth is held out, of a plain text the last tenth, unless the files' names say what is.
 *
 * @param whole - holds out all of it
 * @throws Error, one line with what to do, for text that is empty or in another encoding
 */
export async function openStream(
  found: FoundFiles,
  { pack = false, whole = false }: { readonly pack?: boolean; readonly whole?: boolean },
  { log }: ReadOptions,
): Promise<TextStream> {
  const say = once(log)
  const { train, valid, description } = found
  if (!pack && !found.hasDocuments) return plainStream(found, whole, say)
  const all = () => documentPieces(train, say)
  const about = { hasDocuments: true, train: all, description }
  if (whole) return { ...about, valid: all }
  if (valid) return { ...about, valid: () => documentPieces(valid, say) }
  return {
    hasDocuments: true,
    train: () => ofDocuments(all(), (document) => document % EVERY !== EVERY - 1),
    valid: () => ofDocuments(all(), (document) => document % EVERY === EVERY - 1),
    description: `${description}, every ${EVERY}th document held out`,
  }
}

async function plainStream(
  { train, valid, description }: FoundFiles,
  whole: boolean,
  say: (line: string) => void,
): Promise<TextStream> {
  const files = await joinFiles(train)
  const { length } = files
  if (length === 0) throw new Error(`data: expected text, got ${description}, which is empty`)
  const pieces = (from: number, to: number, of = files) => piecesOf(of.read(from, to), description, say)
  const all = () => pieces(0, length)
  const about = { hasDocuments: false, train: all, trainBytes: length, description }
  if (whole) return { ...about, valid: all }
  if (valid) {
    const held = await joinFiles(valid)
    return { ...about, valid: () => pieces(0, held.length, held) }
  }
  const at = await cutOf(files)
  return {
    hasDocuments: false,
    train: () => pieces(0, at),
    valid: () => pieces(at, length),
    trainBytes: at,
    description: `${description}, its last tenth held out`,
  }
}

/** Where the last tenth begins. */
async function cutOf({ length, read }: JoinedFiles): Promise<number> {
  const at = Math.floor(length * (1 - HELD_OUT))
  const parts: Uint8Array[] = []
  for await (const part of read(at, Math.min(length, at + 4))) parts.push(part)
  return at + characterStart(Buffer.concat(parts), 0)
}

/** Each record of a file, or a file of plain text, is a document. */
async function* documentPieces(files: readonly string[], say: (line: string) => void): AsyncGenerator<Piece> {
  for (const file of files) {
    if (isDocuments(file)) for await (const text of documentsOf(file, say)) yield* piecesOf([text], file, say)
    else {
      const { length, read } = await joinFiles([file])
      yield* piecesOf(read(0, length), file, say)
    }
  }
}

async function* piecesOf(
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  what: string,
  say: (line: string) => void,
): AsyncGenerator<Piece> {
  let starts = true
  for await (const text of textPieces(parts)) {
    if (!isUtf8(text)) say(notAllUtf8(what))
    yield { text, starts }
    starts = false
  }
}

/** The pieces of some documents, by their numbers. */
async function* ofDocuments(
  pieces: AsyncIterable<Piece>,
  isTaken: (document: number) => boolean,
): AsyncGenerator<Piece> {
  let document = -1
  for await (const piece of pieces) {
    if (piece.starts) document += 1
    if (isTaken(document)) yield piece
  }
}

function once(log: (line: string) => void): (line: string) => void {
  const said = new Set<string>()
  return (line) => {
    if (!said.has(line)) log(line)
    said.add(line)
  }
}
