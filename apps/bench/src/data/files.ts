import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathKind, readFileAt } from '../files/paths.js'
import { textOf } from './encoding.js'
import { partsOf } from './parts.js'
import { holdOutEnd, type ReadOptions, type SplitText } from './split-text.js'

/**
 * Text from a file or folder.
 *
 * A folder whose entries are named as parts (`train` with `val`, `valid`, `validation`, `dev` or `test`) is split as they say.
 * Anything else, its files joined in the order of their names, is cut once: the last tenth is held out.
 *
 * @param names - what else `data` may be, for the message
 * @throws Error, one line with what to do, for text that is missing, empty, binary, in another encoding or unreadable
 */
export async function readFileOrFolder(
  path: string,
  names: readonly string[],
  options: ReadOptions,
): Promise<SplitText> {
  const kind = await pathKind('data', path)
  if (kind === 'absent')
    throw new Error(`data: expected ${names.join(', ')}, or a file or folder, got ${path}, which is not there`)
  if (kind === 'file') return holdOutEnd(await readAll(path, [path], options), path)
  const entries = (await readdir(path)).filter((name) => !name.startsWith('.')).sort()
  const parts = partsOf(entries, options.log)
  if (!parts) return holdOutEnd(await readAll(path, await filesBelow(path, options), options), path)
  const read = async (part: readonly string[]) => {
    const files = await Promise.all(part.map((entry) => filesBelow(join(path, entry), options)))
    return readAll(part.map((entry) => join(path, entry)).join(', '), files.flat(), options)
  }
  const left = parts.left.length ? `; left out: ${parts.left.join(', ')}` : ''
  return {
    train: await read(parts.train),
    valid: await read(parts.valid),
    description: `${path}, trained on ${parts.train.join(', ')}, held out ${parts.valid.join(', ')}${left}`,
  }
}

/**
 * All the text of a file or folder, its files joined in the order of their names.
 *
 * @throws Error, one line with what to do, for text that is missing, empty, binary, in another encoding or unreadable
 */
export async function readWhole(path: string, options: ReadOptions): Promise<Uint8Array> {
  if ((await pathKind('data', path)) === 'absent')
    throw new Error(`data: expected a file or folder with --whole, got ${path}, which is not there`)
  return readAll(path, await filesBelow(path, options), options)
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

/** Files joined by newlines. */
async function readAll(what: string, files: readonly string[], { log, signal }: ReadOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (const file of files) {
    signal?.throwIfAborted()
    const text = textOf(await readFileAt('data', file), file, log)
    parts.push(...(parts.length ? [Buffer.from('\n')] : []), text)
  }
  const text = Buffer.concat(parts)
  if (text.length === 0) throw new Error(`data: expected text, got ${what}, which is empty`)
  return text
}
