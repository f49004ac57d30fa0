import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathKind } from '../files/paths.js'
import { isDocuments } from './documents.js'
import { partsOf } from './parts.js'
import type { ReadOptions } from './split-text.js'

/** The files of a text. */
export interface FoundFiles {
  /** To train on; without held-out ones also those that are held out from. */
  readonly train: readonly string[]
  /** Held out, if the names of a folder say it. */
  readonly valid?: readonly string[] | undefined
  /** What they are, for messages. */
  readonly description: string
  /** Of all of them. */
  readonly bytes: number
  /** Whether some are of documents: JSON Lines or Parquet. */
  readonly hasDocuments: boolean
}

/**
 * The files of a file or folder, in the order of their names.
 *
 * A folder whose entries are named as parts (`train` with `val`, `valid`, `validation`, `dev` or `test`) is split as they say.
 *
 * Nothing is held out of a text that is wanted as a whole.
 *
 * @param names - what else `path` may be, for the message
 * @throws Error, one line with what to do, for what is missing or no file
 */
export async function findFiles(
  path: string,
  names: readonly string[],
  options: ReadOptions & { readonly whole?: boolean | undefined },
): Promise<FoundFiles> {
  const kind = await pathKind('data', path)
  if (kind === 'absent') {
    const expected = options.whole ? 'a file or folder with --whole' : `${names.join(', ')}, or a file or folder`
    throw new Error(`data: expected ${expected}, got ${path}, which is not there`)
  }
  if (options.whole) return found(await filesBelow(path, options), undefined, `${path}, all of it`)
  if (kind === 'file') return found([path], undefined, path)
  const entries = (await readdir(path)).filter((name) => !name.startsWith('.')).sort()
  const parts = partsOf(entries, options.log)
  if (!parts) return found(await filesBelow(path, options), undefined, path)
  const below = async (part: readonly string[]) =>
    (await Promise.all(part.map((entry) => filesBelow(join(path, entry), options)))).flat()
  const left = parts.left.length ? `; left out: ${parts.left.join(', ')}` : ''
  return found(
    await below(parts.train),
    await below(parts.valid),
    `${path}, trained on ${parts.train.join(', ')}, held out ${parts.valid.join(', ')}${left}`,
  )
}

async function found(
  train: readonly string[],
  valid: readonly string[] | undefined,
  description: string,
): Promise<FoundFiles> {
  const all = [...train, ...(valid ?? [])]
  const sizes = await Promise.all(all.map(async (file) => (await stat(file)).size))
  return {
    ...{ train, valid, description },
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    hasDocuments: all.some(isDocuments),
  }
}

/** A file, or all files below a folder in the order of their paths. */
async function filesBelow(path: string, { log }: ReadOptions): Promise<string[]> {
  if ((await pathKind('data', path)) === 'file') return [path]
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  const files: string[] = []
  for (const entry of entries.filter(({ name }) => !name.startsWith('.'))) {
    const at = join(entry.parentPath, entry.name)
    if (entry.isFile()) files.push(at)
    // Folders below are in the list already; a link to one may lead in a circle.
    else if (entry.isSymbolicLink() && (await pathKind('data', at)) === 'file') files.push(at)
    else if (!entry.isDirectory()) log(`data: ${at} is left out: it is no file`)
  }
  return files.sort()
}
