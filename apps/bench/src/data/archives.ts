import { join } from 'node:path'
import { dataFolder, download } from './download.js'
import type { ReadOptions, SplitText } from './split-text.js'
import { unzipFiles } from './zip.js'

/** enwik8 is by definition the first 10⁸ bytes of a Wikipedia dump; 90, 5 and 5 MB are its usual parts. */
const ENWIK8_BYTES = 1e8

/** Benchmark texts that are downloaded once. */
const urls = {
  'wikitext-103': 'https://wikitext.smerity.com/wikitext-103-v1.zip',
  'wikitext-2': 'https://wikitext.smerity.com/wikitext-2-v1.zip',
  enwik8: 'http://mattmahoney.net/dc/enwik8.zip',
} as const
export type ArchiveName = keyof typeof urls

/** Where it is downloaded from. */
export const archiveUrl = (name: ArchiveName): string => urls[name]
/** Where it is kept. */
export const archivePath = (name: ArchiveName): string => join(dataFolder(), `${name}.zip`)

/** One file of an archive. @throws as {@link readArchive} */
export async function archiveFile(name: ArchiveName, file: string, options: ReadOptions): Promise<Uint8Array> {
  const path = await download(urls[name], `${name}.zip`, options)
  return (await unzipFiles(path, [file], options.signal))[file]!
}

/** @throws Error, one line with what to do, if it cannot be downloaded or is not what it should be */
export async function readArchive(name: ArchiveName, options: ReadOptions): Promise<SplitText> {
  const path = await download(urls[name], `${name}.zip`, options)
  if (name !== 'enwik8') {
    const [train, valid] = ['wiki.train.tokens', 'wiki.valid.tokens'] as const
    const files = await unzipFiles(path, [train, valid], options.signal)
    return {
      train: files[train],
      valid: files[valid],
      description: `${name}, its own training and validation parts`,
    }
  }
  const { enwik8: text } = await unzipFiles(path, ['enwik8'], options.signal)
  if (text.length !== ENWIK8_BYTES)
    throw new Error(
      `data: expected 100,000,000 bytes of enwik8, got ${text.length} in ${path}; delete it and run again`,
    )
  return {
    train: text.subarray(0, 90e6),
    valid: text.subarray(90e6, 95e6),
    description: 'enwik8, its first 90 MB and the 5 MB after them',
  }
}
