import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { BITS } from './dtypes.js'
import { openFile } from './folder.js'
import { checkReadable, floats } from './safetensors.js'
import { headerLength, parseHeader } from './safetensors-header.js'

/** Bytes that are read at a time. */
const PIECE = 2 ** 22

/** A file whose arrays are read one at a time: it may be larger than what memory or one buffer holds. */
export interface SafetensorsFile {
  /** Sizes of each array's axes. */
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** The number type of each array, as the file says it. */
  readonly dtypes: ReadonlyMap<string, string>
  /** @throws Error, one line, for an array that is not of F64, F32, F16 or BF16, or not in the file */
  read(name: string): Promise<Float32Array>
  /**
   * The same numbers in order, some at a time, for whoever puts them elsewhere: no array is in memory twice.
   *
   * @param multiple - each piece has a multiple of so many numbers, such as a row. Default 1
   */
  pieces(name: string, multiple?: number): AsyncIterable<Float32Array>
  /** Closes the file; nothing is read after. */
  close(): Promise<void>
}

/** @throws Error, one line, for a file that is missing or breaks a rule of the format */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const where = `openSafetensors ${basename(path)}`
  const file = await openFile(path)
  try {
    const { size } = await file.stat()
    const length = headerLength(where, await readAt(where, file, 0, Math.min(8, size)), size)
    const header = parseHeader(where, await readAt(where, file, 8, length), size - 8 - length)
    const entryOf = (name: string) => {
      const entry = header.get(name)
      if (!entry) throw new Error(`${where}: expected an array ${name}, got none`)
      checkReadable(where, name, entry)
      return entry
    }
    async function* pieces(name: string, multiple = 1) {
      const entry = entryOf(name)
      const [from, to] = entry.data_offsets
      const least = (multiple * BITS.get(entry.dtype)!) / 8
      const step = Math.max(1, Math.floor(PIECE / least)) * least
      for (let at = from; at < to; at += step)
        yield floats(where, name, entry, await readAt(where, file, 8 + length + at, Math.min(step, to - at)))
    }
    return {
      shapes: new Map([...header].map(([name, { shape }]) => [name, shape])),
      dtypes: new Map([...header].map(([name, { dtype }]) => [name, dtype])),
      async read(name) {
        const all = new Float32Array(entryOf(name).shape.reduce((a, b) => a * b, 1))
        let at = 0
        for await (const piece of pieces(name)) {
          all.set(piece, at)
          at += piece.length
        }
        return all
      },
      pieces,
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function readAt(where: string, file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  // One read gives 2 GiB at most.
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, 2 ** 30), position + done)
    if (!bytesRead) throw new Error(`${where}: expected more bytes, got the end of the file; it is being changed`)
    done += bytesRead
  }
  return bytes
}
