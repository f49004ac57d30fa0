import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { openFile } from './folder.js'
import { floats } from './safetensors.js'
import { headerLength, parseHeader } from './safetensors-header.js'

/** A file whose arrays are read one at a time: it may be larger than what memory or one buffer holds. */
export interface SafetensorsFile {
  /** Sizes of each array's axes. */
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** The number type of each array, as the file says it. */
  readonly dtypes: ReadonlyMap<string, string>
  /** @throws Error, one line, for an array that is not of F64, F32, F16 or BF16, or not in the file */
  read(name: string): Promise<Float32Array>
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
    return {
      shapes: new Map([...header].map(([name, { shape }]) => [name, shape])),
      dtypes: new Map([...header].map(([name, { dtype }]) => [name, dtype])),
      async read(name) {
        const entry = header.get(name)
        if (!entry) throw new Error(`${where}: expected an array ${name}, got none`)
        const [from, to] = entry.data_offsets
        return floats(where, name, entry, await readAt(where, file, 8 + length + from, to - from))
      },
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
