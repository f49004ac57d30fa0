import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { expectFile, makeFolder, pathKind, readFileAt } from '../files/paths.js'
import type { ReadOptions } from './split-text.js'

/** Where downloads are kept; `XDG_CACHE_HOME` moves it. */
export const dataFolder = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'alibi', 'data')

/**
 * A file from the network, fetched once. An interrupted download goes on where it stopped. What arrived first is recorded
 * (size and SHA-256), and every later use is checked against the record.
 *
 * @param folder - where it is kept
 * @returns its path
 * @throws Error, one line with what to do, without a network or for a file that has changed
 */
export async function download(
  url: string,
  name: string,
  { log, signal }: ReadOptions,
  folder = dataFolder(),
): Promise<string> {
  const path = join(folder, name)
  const record = `${path}.json`
  if ((await pathKind('data', path)) !== 'absent') {
    await expectFile('data', path, 'a downloaded file')
    const [recorded, sha256] = [await readRecord(record), await hash(path)]
    // A file that someone put there by hand has no record yet.
    if (recorded === undefined) await writeFileAtomic(record, JSON.stringify({ url, sha256 }))
    else if (recorded !== sha256)
      throw new Error(`data: expected ${path} as it was downloaded, got other bytes; delete it and run again`)
    return path
  }
  await makeFolder('data', folder, folder === dataFolder() ? 'set XDG_CACHE_HOME to another' : 'take another')
  await pathKind('data', `${path}.partial`)
  log(`downloading ${url}`)
  try {
    await fetchTo(`${path}.partial`, url, log, signal)
  } catch (error) {
    signal?.throwIfAborted()
    const cause = (error as { cause?: Error }).cause?.message ?? (error as Error).message
    throw new Error(`data: cannot download ${url} (${cause}); connect, or put the file at ${path}, and run again`)
  }
  const sha256 = await hash(`${path}.partial`)
  await writeFileAtomic(record, JSON.stringify({ url, sha256 }))
  await rename(`${path}.partial`, path)
  return path
}

/** Appends what is missing to `partial`; starts again if the server cannot continue. */
async function fetchTo(partial: string, url: string, log: ReadOptions['log'], signal?: AbortSignal): Promise<void> {
  const have = (await stat(partial).catch(() => undefined))?.size ?? 0
  const response = await fetch(url, { headers: have ? { range: `bytes=${have}-` } : {}, signal: signal ?? null })
  if (response.status === 416) {
    // Nothing after what is there, or another file by now: only a whole download can tell.
    await rm(partial)
    return fetchTo(partial, url, log, signal)
  }
  if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`)
  const continued = response.status === 206
  const total = Number(response.headers.get('content-length') ?? Number.NaN) + (continued ? have : 0)
  const file = await open(partial, continued ? 'a' : 'w')
  try {
    let [done, shown] = [continued ? have : 0, Date.now()]
    for await (const chunk of response.body) {
      await file.write(chunk)
      done += chunk.length
      if (Date.now() - shown > 5000) {
        shown = Date.now()
        log(`downloaded ${Math.round(done / 1e6)}${total ? ` of ${Math.round(total / 1e6)}` : ''} MB`)
      }
    }
    if (total && done !== total) throw new Error(`the connection ended after ${done} of ${total} bytes`)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function hash(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer)
  return digest.digest('hex')
}

const recordSchema = z.object({ url: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })

/** The SHA-256 that was recorded; undefined where nothing was. */
async function readRecord(record: string): Promise<string | undefined> {
  if ((await pathKind('data', record)) === 'absent') return undefined
  try {
    return recordSchema.parse(JSON.parse((await readFileAt('data', record)).toString())).sha256
  } catch {
    throw new Error(`data: expected the record of a download in ${record}, got something else; delete it and run again`)
  }
}
