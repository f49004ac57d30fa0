import { createHash } from 'node:crypto'
import { createReadStream, openSync, readdirSync, readSync } from 'node:fs'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { TokenText } from '@alibi/transformer'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { reasonOf } from '../files/errno.js'
import { makeFolder } from '../files/paths.js'
import type { ReadOptions } from './split-text.js'

/** Where tokens of large texts are kept; `XDG_CACHE_HOME` moves it. */
export const tokenFolder = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'alibi', 'tokens')

/** Tokens in a file, of which only those that are asked for are in memory. */
export interface CachedTokens extends TokenText {
  /** SHA-256 of the file. */
  readonly sha256: string
}

const recordSchema = z.object({
  length: z.int().min(0),
  bytesPerToken: z.literal([1, 2, 4]),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
type Record = z.infer<typeof recordSchema>

const arrays = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array } as const

/**
 * The tokens that a key stands for: from a file where they are there, else made and kept there. Whatever interrupts the making
 * leaves nothing that counts.
 *
 * @param key - a hash of all that decides the tokens
 * @param make - the tokens, part by part
 */
export async function cachedTokens(
  key: string,
  vocabularySize: number,
  make: () => AsyncIterable<Int32Array>,
  { log }: ReadOptions,
  folder = tokenFolder(),
): Promise<CachedTokens> {
  const path = join(folder, `${key}.tokens`)
  const known = await readRecord(path)
  if (known) return openTokens(path, known)
  await makeFolder('data', folder, 'set XDG_CACHE_HOME to another')
  await removeLeftovers(folder, key)
  const bytesPerToken = vocabularySize <= 2 ** 8 ? 1 : vocabularySize <= 2 ** 16 ? 2 : 4
  const partial = `${path}.${process.pid}.partial`
  try {
    const record = { ...(await writeTokens(partial, make(), bytesPerToken)), bytesPerToken } as const
    await rename(partial, path)
    await writeFileAtomic(recordPath(path), JSON.stringify(record))
    log(`tokens are kept in ${path}`)
    return openTokens(path, record)
  } finally {
    await rm(partial, { force: true })
  }
}

const recordPath = (path: string) => `${path}.json`

/** What is there, if it is whole: the record is written last. */
async function readRecord(path: string): Promise<Record | undefined> {
  try {
    const record = recordSchema.parse(JSON.parse(await readFile(recordPath(path), 'utf8')))
    const { size } = await stat(path)
    return size === record.length * record.bytesPerToken ? record : undefined
  } catch {
    return undefined
  }
}

async function writeTokens(path: string, parts: AsyncIterable<Int32Array>, bytesPerToken: Record['bytesPerToken']) {
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  const refuse = (error: Error): never => {
    throw new Error(
      `data: cannot write ${path} (${reasonOf(error)}); free some space, or set XDG_CACHE_HOME to another folder`,
    )
  }
  let length = 0
  try {
    for await (const part of parts) {
      const bytes = new Uint8Array(arrays[bytesPerToken].from(part).buffer)
      hash.update(bytes)
      await file.writeFile(bytes).catch(refuse)
      length += part.length
    }
    await file.sync().catch(refuse)
  } finally {
    await file.close()
  }
  return { length, sha256: hash.digest('hex') }
}

/** What processes left that were killed while they wrote the same. */
async function removeLeftovers(folder: string, key: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    const [, pid] = name.startsWith(key) ? (/\.(\d+)\.partial$/.exec(name) ?? []) : []
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The file stays open until the process ends. */
function openTokens(path: string, { length, bytesPerToken, sha256 }: Record): CachedTokens {
  const file = openSync(path, 'r')
  return {
    length,
    sha256,
    subarray(start, end) {
      const tokens = new arrays[bytesPerToken](Math.max(0, Math.min(end, length) - start))
      readSync(file, tokens, 0, tokens.byteLength, start * bytesPerToken)
      return Int32Array.from(tokens)
    },
  }
}

/** SHA-256 of files one after another, each with its length. */
export async function hashOfFiles(files: readonly string[], { signal }: ReadOptions): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) {
    hash.update(`${(await stat(file)).size}\n`)
    for await (const part of createReadStream(file, { highWaterMark: 2 ** 20 })) {
      signal?.throwIfAborted()
      hash.update(part)
    }
  }
  return hash.digest('hex')
}
