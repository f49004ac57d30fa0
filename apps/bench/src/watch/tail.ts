import { isUtf8 } from 'node:buffer'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { createResultsReader, type ResultsFile, type ResultsReader, type RunLine } from '@alibi/results'
import { readResults, resultsPath } from '@alibi/results/node'

/** Reads a file as it grows: each time only what was added. */
export interface Tail {
  /**
   * @param until - when to stop, by `performance.now()`: the rest is for the next time
   * @returns the same object as long as there is nothing new; undefined where there is no file
   * @throws Error, one line, for a file that is no results
   */
  read(until?: number): Promise<ResultsFile | undefined>
  /** Bytes that were not read yet. */
  left(): number
}

const CHUNK = 2 ** 19
const NEW_LINE = 10

/** @param folder - with `results.jsonl`, now or later, or with `results.jsonl.gz` alone */
export function tailResults(folder: string): Tail {
  const path = resultsPath(folder)
  let stamp: string | undefined
  let outcome: { readonly results: ResultsFile } | { readonly error: unknown } | undefined
  let left = 0
  let file: { readonly inode: number; readonly reader: ResultsReader; offset: number; rest: Buffer } | undefined

  async function readMore({ ino, size }: { ino: number; size: number }, until: number): Promise<ResultsFile> {
    // Replaced, cut, or written over: only what is longer than before has grown.
    if (file?.inode !== ino || size <= file.offset)
      file = { inode: ino, reader: createResultsReader(path), offset: 0, rest: Buffer.alloc(0) }
    const own = file
    file = undefined
    const handle = await open(path)
    try {
      do own.rest = addLines(own.reader, own.rest, await chunkOf(handle, own, size))
      while (own.offset < size && performance.now() < until)
    } finally {
      await handle.close()
    }
    const results = own.reader.end()
    // What cannot be read is read from its start when it has changed.
    file = own
    left = size - own.offset
    return results
  }

  return {
    left: () => left,
    async read(until = Number.POSITIVE_INFINITY) {
      const found = await stat(path).catch(() => undefined)
      const packed = found ? undefined : await stat(`${path}.gz`).catch(() => undefined)
      const is = found ?? packed
      if (!is) {
        stamp = outcome = file = undefined
        return undefined
      }
      if (!is.isFile()) throw new Error(`watch: expected a file, got ${path}, which is none`)
      // Before reading: what is appended meanwhile is seen the next time.
      const now = `${is.ino} ${is.mtimeMs} ${is.size}`
      if (now !== stamp || left) {
        stamp = now
        left = 0
        outcome = await (packed ? readResults(folder) : readMore(is, until)).then(
          (results) => ({ results }),
          (error: unknown) => ({ error }),
        )
      }
      if ('error' in outcome!) throw outcome.error
      return outcome!.results
    },
  }
}

/**
 * The first line of a folder's results, which of a sweep is all that its cells leave to be known.
 *
 * @returns reads it again where the file has changed; undefined where there is none that is whole: what is wrong with it, a
 *   reader of all lines says
 */
export function runLineOf(folder: string): () => Promise<RunLine | undefined> {
  const path = resultsPath(folder)
  let stamp: string | undefined
  let run: RunLine | undefined
  return async () => {
    const found = await stat(path).catch(() => undefined)
    const now = found?.isFile() ? `${found.ino} ${found.mtimeMs} ${found.size}` : undefined
    if (now !== stamp) run = now === undefined ? undefined : await readRunLine(path)
    stamp = now
    return run
  }
}

async function readRunLine(path: string): Promise<RunLine | undefined> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK), 0, CHUNK, 0)
    const end = buffer.subarray(0, bytesRead).indexOf(NEW_LINE)
    if (end < 0) return undefined
    const reader = createResultsReader(path)
    reader.add(buffer.subarray(0, end).toString())
    return reader.end().run
  } catch {
    return undefined
  } finally {
    await handle.close()
  }
}

async function chunkOf(handle: FileHandle, from: { offset: number }, size: number): Promise<Buffer> {
  const chunk = Buffer.alloc(Math.min(CHUNK, size - from.offset))
  const { bytesRead } = await handle.read(chunk, 0, chunk.length, from.offset)
  if (!bytesRead) throw new Error('watch: expected a file that grows, got one that was cut')
  from.offset += bytesRead
  return chunk.subarray(0, bytesRead)
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
