// Results in folders: for Node alone.
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { constants, createGunzip } from 'node:zlib'
import { type OtherLine, type ResultLine, resultsText } from './lines.js'
import { createResultsReader, type ResultsFile } from './read.js'

/** The file of a folder's results. */
export const resultsPath = (folder: string): string => join(folder, 'results.jsonl')

/** No line is longer: bytes. */
const LONGEST_LINE = 2 ** 26

/**
 * Reads `results.jsonl`, or `results.jsonl.gz` where there is only that.
 *
 * @throws Error, one line, for a file that is missing, damaged or of a newer version
 */
export async function readResults(folder: string): Promise<ResultsFile> {
  if (folder === '') throw new Error('results: expected a folder with results.jsonl, got an empty name')
  const path = await existing(folder)
  const reader = createResultsReader(path)
  const text = (bytes: Buffer) => (isUtf8(bytes) ? bytes.toString() : undefined)
  let rest: Buffer[] = []
  let length = 0
  for await (const chunk of bytesOf(path)) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = chunk.subarray(from, end)
      reader.add(text(rest.length ? Buffer.concat([...rest, line]) : line))
      from = end + 1
      rest = []
      length = 0
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
    length += chunk.length - from
    if (length > LONGEST_LINE)
      throw new Error(`results: expected lines of at most ${LONGEST_LINE / 2 ** 20} MB in ${path}, got a longer one`)
  }
  const last = Buffer.concat(rest)
  return reader.end(text(last) ?? '\0')
}

async function existing(folder: string): Promise<string> {
  const path = resultsPath(folder)
  for (const each of [path, `${path}.gz`]) {
    const found = await stat(each).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      const what = error.code === 'ENOTDIR' ? `the file ${folder}` : `${each}, which cannot be read (${error.code})`
      throw new Error(`results: expected a folder with results.jsonl, got ${what}`)
    })
    if (found && !found.isFile()) throw new Error(`results: expected a file, got ${each}, which is none`)
    if (found) return each
  }
  throw new Error(`results: expected a folder with results.jsonl, got ${folder}, which has none`)
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 2 ** 18 })
  const packed = path.endsWith('.gz')
  // As far as it goes, like the file itself.
  const bytes: Readable = packed ? file.pipe(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })) : file
  file.on('error', (error) => bytes.destroy(error))
  try {
    yield* bytes
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(
      packed && code?.startsWith('Z_')
        ? `results: expected gzip in ${path}, got other bytes; unpack it yourself, or restore it`
        : `results: expected a file that can be read, got ${path} (${code})`,
    )
  } finally {
    file.destroy()
  }
}

/** Adds lines and waits until they are on the disk. */
export async function appendResults(folder: string, ...lines: readonly ResultLine[]): Promise<void> {
  await writeSynced(resultsPath(folder), 'a', lines)
}

/** Replaces the file, whole or not at all. */
export async function writeResults(folder: string, lines: readonly (ResultLine | OtherLine)[]): Promise<void> {
  const path = resultsPath(folder)
  const fresh = `${path}.${process.pid}.partial`
  await writeSynced(fresh, 'w', lines)
  await rename(fresh, path)
}

/** Lines that are made one text: those of a big sweep together would be longer than a text may be. */
const PIECE = 10_000

async function writeSynced(path: string, flags: 'a' | 'w', lines: readonly (ResultLine | OtherLine)[]): Promise<void> {
  const file = await open(path, flags)
  try {
    for (let at = 0; at < lines.length; at += PIECE) await file.writeFile(resultsText(lines.slice(at, at + PIECE)))
    await file.sync()
  } catch (error) {
    // For a file that is open the system does not say which it was.
    throw Object.assign(error as NodeJS.ErrnoException, { path })
  } finally {
    await file.close()
  }
}
