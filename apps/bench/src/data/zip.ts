import { crc32 } from 'node:zlib'
import { type Entry, openPromise, type ZipFile } from 'yauzl'

/** More than any of the texts has: WikiText-103's training part is half of it. */
const MOST_BYTES = 2 ** 30

/**
 * Unpacks the wanted files of a zip and no other: each up to the size that the archive declares, its checksum verified.
 *
 * @param wanted - the end of each one's path
 * @throws Error, one line with what to do, for what is no such archive, or has been damaged
 */
export async function unzipFiles<Name extends string>(
  path: string,
  wanted: readonly Name[],
  signal?: AbortSignal,
): Promise<Record<Name, Uint8Array>> {
  try {
    const zip = await openPromise(path, { lazyEntries: true, autoClose: false })
    try {
      const entries = await entriesOf(zip, wanted)
      const files = new Map<Name, Uint8Array>()
      for (const [name, entry] of entries) files.set(name, await unpack(zip, entry, signal))
      return Object.fromEntries(files) as Record<Name, Uint8Array>
    } finally {
      zip.close()
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw new Error(
      `data: expected a zip archive with ${wanted.join(', ')} in ${path}, got a damaged or another one (${(error as Error).message}); delete it and run again`,
    )
  }
}

async function entriesOf<Name extends string>(zip: ZipFile, wanted: readonly Name[]): Promise<Map<Name, Entry>> {
  const found = new Map<Name, Entry>()
  for await (const entry of zip.eachEntry()) {
    const name = wanted.find((each) => entry.fileName === each || entry.fileName.endsWith(`/${each}`))
    if (name === undefined) continue
    if (found.has(name)) throw new Error(`it has ${name} twice`)
    found.set(name, entry)
  }
  for (const name of wanted) if (!found.has(name)) throw new Error(`it has no ${name}`)
  return found
}

async function unpack(zip: ZipFile, entry: Entry, signal?: AbortSignal): Promise<Uint8Array> {
  const { fileName, uncompressedSize } = entry
  if (uncompressedSize > MOST_BYTES) throw new Error(`${fileName} declares ${uncompressedSize} bytes`)
  const chunks: Buffer[] = []
  let [bytes, checksum] = [0, 0]
  // Ends with an error where more bytes come than the archive declares.
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    signal?.throwIfAborted()
    chunks.push(chunk)
    bytes += chunk.length
    checksum = crc32(chunk, checksum)
  }
  if (bytes !== uncompressedSize) throw new Error(`${fileName} has ${bytes} bytes instead of ${uncompressedSize}`)
  if (checksum !== entry.crc32) throw new Error(`${fileName} has another checksum than the archive says`)
  return Buffer.concat(chunks)
}
