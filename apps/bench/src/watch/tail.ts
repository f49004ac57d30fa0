import { isUtf8 } from 'node:buffer'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { createResultsReader, type ResultsFile, type ResultsReader } from '@alibi/results'
import { readResults, resultsPath } from '@alibi/results/node'

/** Reads a file as it grows: each time only what was added. */
export interface Tail {
  /**
   * @returns the same object as long as the file has not changed; undefined where there is none
   * @throws Error, one line, for a file that is no results
   */
  read(): Promise<ResultsFile | undefined>
}

const CHUNK = 2 ** 20
const NEW_LINE = 10

/** @param folder - with `results.jsonl`, now or later, or with `results.jsonl.gz` alone */
export function tailResults(folder: string): Tail {
  const path = resultsPath(folder)
  let stamp: string | undefined
  let outcome: { readonly results: ResultsFile } | { readonly error: unknown } | undefined
  let file: { readonly inode: number; readonly reader: ResultsReader; offset: number; rest: Buffer } | undefined

  async function readMore(inode: number, size: number): Promise<ResultsFile> {
    // Replaced, cut, or written over: only what is longer than before has grown.
    if (file?.inode !== inode || size <= file.offset)
      file = { inode, reader: createResultsReader(path), offset: 0, rest: Buffer.alloc(0) }
    const own = file
    file = undefined
    const handle = await open(path)
    try {
      while (own.offset < size) own.rest = addLines(own.reader, own.rest, await chunkOf(handle, own, size))
    } finally {
      await handle.close()
    }
    const results = own.reader.end()
    // What cannot be read is read from its start when it has changed.
    file = own
    return results
  }

  return {
    async read() {
      const found = await stat(path).catch(() => undefined)
      const packed = found ? undefined : await stat(`${path}.gz`).catch(() => undefined)
      for (const each of [found, packed])
        if (each && !each.isFile()) throw new Error(`watch: expected a file, got ${path}, which is none`)
      const { ino, mtimeMs, size } = found ?? packed ?? { ino: 0, mtimeMs: 0, size: 0 }
      if (!found && !packed) {
        stamp = outcome = file = undefined
        return undefined
      }
      // Before reading: what is appended meanwhile is seen the next time.
      const now = `${ino} ${mtimeMs} ${size}`
      if (now !== stamp) {
        stamp = now
        outcome = await (packed ? readResults(folder) : readMore(ino, size)).then(
          (results) => ({ results }),
          (error: unknown) => ({ error }),
        )
      }
      if ('error' in outcome!) throw outcome.error
      return outcome!.results
    },
  }
}

async function chunkOf(handle: FileHandle, from: { offset: number }, size: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(
    Buffer.alloc(Math.min(CHUNK, size - from.offset)),
    0,
    undefined,
    from.offset,
  )
  if (!bytesRead) throw new Error('watch: expected a file that grows, got one that was cut')
  from.offset += bytesRead
  return buffer.subarray(0, bytesRead)
}

/** @returns what follows the last end of a line */
function addLines(reader: ResultsReader, rest: Buffer, chunk: Buffer): Buffer {
  const bytes = rest.length ? Buffer.concat([rest, chunk]) : chunk
  let from = 0
  for (let end = bytes.indexOf(NEW_LINE); end >= 0; end = bytes.indexOf(NEW_LINE, from)) {
    const line = bytes.subarray(from, end)
    reader.add(isUtf8(line) ? line.toString() : undefined)
    from = end + 1
  }
  return bytes.subarray(from)
}
