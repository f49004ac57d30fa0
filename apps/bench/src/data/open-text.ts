import { readFiles, readWhole } from './files.js'
import { findFiles } from './found-files.js'
import { readSource, sourceNamed, sourceNames } from './sources.js'
import type { ReadOptions, SplitText } from './split-text.js'
import { textPieces } from './text-pieces.js'
import { openStream, type Piece, type TextStream } from './text-stream.js'

/** Bytes of plain text up to which it is in memory as a whole. */
const IN_MEMORY = 160e6

export interface TextOptions extends ReadOptions {
  /** The train length of the models that the text is for. Trials of a task fit in it. */
  readonly trainLength: number
  /** Whether documents stand for themselves. Default false. */
  readonly pack?: boolean | undefined
  /** Whether all of a file or folder is held out. Default false. */
  readonly whole?: boolean | undefined
  /** Bytes of plain text up to which it is in memory as a whole. Default 160 million. */
  readonly inMemory?: number | undefined
}

/** A text to read, of which only some is in memory where it has files. */
export type OpenText = TextStream & {
  /** Where it is read from again; absent: it is in memory. */
  readonly files?: readonly string[]
}

/**
 * The text that `data` stands for: one with a name, or a file or folder.
 *
 * @throws Error, one line with what to do, for text that is missing or cannot be used
 */
export async function openText(data: string, options: TextOptions): Promise<OpenText> {
  const { pack = false, whole = false, inMemory = IN_MEMORY } = options
  const isNamed = sourceNamed(data) !== undefined
  if (isNamed && pack)
    throw new Error(`data: expected files of documents for --pack, got ${data}, which is one text; leave --pack out`)
  if (isNamed && whole)
    throw new Error(
      `data: expected --data with a file or folder for --whole, got ${data}, which has a held-out part; leave --whole out`,
    )
  if (isNamed) return streamOf(await readSource(data, options))
  const found = await findFiles(data, sourceNames, options)
  if (pack || found.hasDocuments || found.bytes > inMemory)
    return { ...(await openStream(found, { pack, whole }, options)), files: [...found.train, ...(found.valid ?? [])] }
  return streamOf(await (whole ? readWhole : readFiles)(found, options))
}

/** The held-out part is one piece, read at once. */
function streamOf({ train, valid, description }: SplitText): TextStream {
  const piecesOf = async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
    let starts = true
    for await (const text of pieces) {
      yield { text, starts }
      starts = false
    }
  }
  return {
    train: () => piecesOf(textPieces([train])),
    async *valid() {
      yield { text: valid, starts: true }
    },
    trainBytes: train.length,
    hasDocuments: false,
    description,
  }
}

/** The start of the held-out part as text, documents joined by newlines. */
export async function heldOutStart({ valid }: TextStream, bytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const { text, starts } of valid()) {
    if (starts && parts.length) parts.push(Buffer.from('\n'))
    parts.push(text)
    length += text.length
    if (length >= bytes) break
  }
  return Buffer.concat(parts).subarray(0, bytes)
}
