import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { archiveFile, archivePath, archiveUrl } from '../data/archives.js'
import { download } from '../data/download.js'
import type { ReadOptions } from '../data/split-text.js'
import { pathKind, readFileAt } from '../files/paths.js'
import type { Part } from './cells.js'

/** Where the authors published their checkpoints. */
const CHECKPOINTS = 'https://dl.fbaipublicfiles.com/train_short_test_long/wt103/'

/** The text that has a name; any other is a folder with its files. */
const WIKITEXT = 'wikitext-103'

const checkpointName = (trainLength: number) => `alibi_wt103_L${trainLength}.pt`
const partName = (part: Part | 'train') => `wiki.${part}.tokens`

/** What is there, of what some cells need. */
export interface Files {
  /** Paths of checkpoints by their train lengths. */
  readonly checkpoints: ReadonlyMap<number, string>
  /** Train lengths of those that are not there. */
  readonly missing: readonly number[]
  /** Whether WikiText-103 is there. */
  readonly hasText: boolean
}

/** Looks for the files; fetches nothing. */
export async function findFiles(folder: string, data: string, trainLengths: readonly number[]): Promise<Files> {
  const checkpoints = new Map<number, string>()
  for (const trainLength of trainLengths) {
    const path = join(folder, checkpointName(trainLength))
    if ((await pathKind('paper', path)) === 'file') checkpoints.set(trainLength, path)
  }
  const text = data === WIKITEXT ? archivePath(WIKITEXT) : join(data, partName('valid'))
  return {
    checkpoints,
    missing: trainLengths.filter((length) => !checkpoints.has(length)),
    hasText: (await pathKind('data', text)) === 'file',
  }
}

/** What to fetch from where, line by line; nothing where all is there. */
export function whatToFetch(folder: string, data: string, { missing, hasText }: Files): string[] {
  const text =
    data === WIKITEXT
      ? [`${archiveUrl(WIKITEXT)} (190 MB),`, `  to ${archivePath(WIKITEXT)}`]
      : [
          `${['train', 'valid', 'test'].map((part) => partName(part as Part)).join(', ')} of WikiText-103,`,
          `  to ${data}`,
        ]
  return [
    ...(missing.length
      ? [
          `checkpoints from ${CHECKPOINTS},`,
          `  to ${folder}, 1 GB each (2 GB where the file has the optimizer’s state too):`,
          ...missing.map((length) => `  ${checkpointName(length)}`),
          '  --download fetches them, as curl -L -C - -O does: from where it stopped',
        ]
      : []),
    ...(hasText ? [] : text),
  ]
}

/** Fetches the checkpoints that are not there, each from where an earlier download of it stopped. */
export async function fetchCheckpoints(folder: string, { missing }: Files, read: ReadOptions): Promise<void> {
  for (const trainLength of missing) {
    const name = checkpointName(trainLength)
    await download(`${CHECKPOINTS}${name}`, name, read, folder)
  }
}

/** The text of a part; `wikitext-103` itself is downloaded once. */
export const readPart = (data: string, part: Part, read: ReadOptions): Promise<Uint8Array> =>
  data === WIKITEXT ? archiveFile(WIKITEXT, partName(part), read) : readFileAt('data', join(data, partName(part)))

/** What the words are counted in where there is no dict.txt. */
export const trainingText = (data: string): string => (data === WIKITEXT ? WIKITEXT : join(data, partName('train')))

/** Bytes that are hashed at a file's end, where a zip archive has the checksums of all that is in it. */
const END = 2 ** 20

/** What tells a checkpoint from others of its name, without reading all of it. */
export async function checkpointMark(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const end = Buffer.alloc(Math.min(END, size))
    await file.read(end, 0, end.length, size - end.length)
    return `${size}-${createHash('sha256').update(end).digest('hex').slice(0, 16)}`
  } finally {
    await file.close()
  }
}

/** What tells a text from others. */
export const textMark = (text: Uint8Array): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
