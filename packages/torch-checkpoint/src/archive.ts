import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl'
import { quoted } from './pickle/values.js'

/** A file in the archive: where its bytes are. */
interface Entry {
  readonly start: number
  readonly size: number
  readonly crc: number
  /** Whether its bytes are the file's: neither compressed nor encrypted. */
  readonly plain: boolean
}

/** A zip archive of files that are stored as they are. */
export interface Archive {
  readonly names: readonly string[]
  has(name: string): boolean
  size(name: string): number
  /** A part of a file, piece by piece; each piece is valid until the next. The whole is checked by its sum. */
  pieces(name: string, from: number, to: number): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

/** Bytes read at a time; a multiple of every number's width. */
const PIECE = 2 ** 22
/** Checkpoints have an entry a storage. */
const MOST_ENTRIES = 2 ** 18

/** @throws Error, one line without a beginning, for a file of another kind or a damaged one */
export async function openArchive(path: string): Promise<Archive> {
  const file = await open(path, 'r')
  try {
    await checkMagic(file)
    const { size } = await file.stat()
    const zip = await fromRandomAccessReaderPromise(new Reader(file), size, { autoClose: false }).catch(
      (error: Error) => {
        throw new Error(`a zip archive, got a damaged or cut off one (${error.message})`)
      },
    )
    const entries = await readEntries(zip)
    const entry = (name: string) => {
      const found = entries.get(name)
      if (!found) throw new Error(`${quoted(name)} in the archive, got none; the file is damaged`)
      if (!found.plain)
        throw new Error(`${quoted(name)} stored as it is, got it compressed or encrypted; torch.save it again`)
      return found
    }
    return {
      names: [...entries.keys()],
      has: (name) => entries.has(name),
      size: (name) => entry(name).size,
      pieces: (name, from, to) => pieces(file, name, entry(name), from, to),
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The archive's bytes; yauzl's own reader ends the process at places that no file has. */
class Reader extends RandomAccessReader {
  constructor(private readonly file: FileHandle) {
    super()
  }

  override read(buffer: Buffer, offset: number, length: number, at: number, done: (error: Error | null) => void): void {
    const room = buffer.subarray(offset, offset + length)
    readFully(this.file, room, length, at).then(
      () => setImmediate(done, null),
      (error) => setImmediate(done, error),
    )
  }
}

async function readEntries(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  try {
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName
      if (entries.has(name)) throw new Error(`one ${quoted(name)}, got two`)
      if (entries.size >= MOST_ENTRIES) throw new Error(`at most ${MOST_ENTRIES} files, got more`)
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
      const plain = entry.compressionMethod === 0 && !entry.isEncrypted()
      entries.set(name, { start: fileDataStart, size: entry.uncompressedSize, crc: entry.crc32, plain })
    }
  } catch (error) {
    throw new Error(`an archive as torch writes it, got another (${(error as Error).message})`)
  }
  return entries
}

async function* pieces(
  file: FileHandle,
  name: string,
  { start, size, crc }: Entry,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  if (!(from <= to && to <= size)) throw new Error(`${to} bytes in ${quoted(name)}, got ${size}; the file is damaged`)
  const buffer = new Uint8Array(Math.min(PIECE, to - from))
  let sum = 0
  for (let at = from; at < to; ) {
    const length = Math.min(buffer.length, to - at)
    await readFully(file, buffer, length, start + at)
    const piece = buffer.subarray(0, length)
    sum = crc32(piece, sum)
    at += length
    if (at === to && from === 0 && to === size && sum !== crc)
      throw new Error(`${quoted(name)} as it was written, got other bytes; the file is damaged`)
    yield piece
  }
}

async function readFully(file: FileHandle, buffer: Uint8Array, length: number, position: number): Promise<void> {
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done)
    if (!bytesRead) throw new Error('more bytes, got the end of the file; it is cut off')
    done += bytesRead
  }
}

/** What other files begin with. The first is torch's own before 1.6: a pickle of a magic number. */
const OTHERS: readonly (readonly [hex: string, name: string])[] = [
  ['80028a0a6cfc9c46f9206aa850192e', 'a file of torch before 1.6; load it with torch and save it again'],
  ['89484446', 'an HDF5 file'],
  ['47475546', 'a GGUF file'],
  ['1f8b', 'a gzip file; unpack it'],
]

async function checkMagic(file: FileHandle): Promise<void> {
  const start = new Uint8Array(264)
  const { bytesRead } = await file.read(start, 0, start.length, 0)
  const hex = Buffer.from(start.subarray(0, bytesRead)).toString('hex')
  if (hex.startsWith('504b0304')) return
  const known = OTHERS.find(([magic]) => hex.startsWith(magic))?.[1]
  const tar = Buffer.from(start.subarray(257, 262)).toString('latin1') === 'ustar'
  const pickle = hex.startsWith('80') ? 'a bare pickle' : undefined
  throw new Error(
    `a zip archive as torch.save writes it since 1.6, got ${known ?? (tar ? 'a tar file, as torch wrote before 0.1.10' : undefined) ?? pickle ?? (bytesRead ? 'other bytes' : 'an empty file')}`,
  )
}
