import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { ENOUGH, expectNoZero, expectUtf8, markLength } from './encoding.js'

/** Files of plain text, joined by newlines, in parts of which few are in memory. */
export interface JoinedFiles {
  /** Bytes, without byte order marks. */
  readonly length: number
  /**
   * The bytes from `from` up to, but not including, `to`.
   *
   * @throws Error, one line, for a file that is binary
   */
  read(from: number, to: number): AsyncGenerator<Uint8Array>
}

/** Bytes read at a time. */
const PART = 2 ** 20

/** @throws Error, one line, for a file in UTF-16 or UTF-32 */
export async function joinFiles(files: readonly string[]): Promise<JoinedFiles> {
  const places: { readonly file: string; readonly skip: number; readonly start: number; readonly end: number }[] = []
  for (const file of files) {
    const start = places.length ? places.at(-1)!.end + 1 : 0
    const { skip, size } = await lookAt(file)
    places.push({ file, skip, start, end: start + size - skip })
  }
  return {
    length: places.at(-1)?.end ?? 0,
    async *read(from, to) {
      for (const { file, skip, start, end } of places) {
        if (start > from && start <= to && start > 0) yield Buffer.from('\n')
        const [first, last] = [Math.max(from, start), Math.min(to, end)]
        if (first < last) yield* bytesOf(file, skip + first - start, skip + last - start)
      }
    },
  }
}

/** A file's bytes, and those of its byte order mark. */
async function lookAt(file: string): Promise<{ readonly skip: number; readonly size: number }> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    const start = Buffer.alloc(Math.min(size, ENOUGH))
    await handle.read(start, 0, start.length, 0)
    expectUtf8(start, file)
    return { skip: markLength(start), size }
  } finally {
    await handle.close()
  }
}

async function* bytesOf(file: string, from: number, to: number): AsyncGenerator<Uint8Array> {
  let at = from
  for await (const part of createReadStream(file, { start: from, end: to - 1, highWaterMark: PART })) {
    expectNoZero(part, file, at)
    at += part.length
    yield part
  }
}
