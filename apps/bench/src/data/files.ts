import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { holdOutEnd, type SplitText } from './split-text.js'

/**
 * Text from a file or folder.
 *
 * A folder with `train` and `valid` (folders, or files such as train.txt) is split as they say. Anything else, its files
 * joined in the order of their names, is cut once: the last tenth is held out.
 *
 * @param names - what else `data` may be, for the message
 * @throws Error, one line with what to do, for text that is missing, empty, binary or unreadable
 */
export async function readFileOrFolder(name: string, names: readonly string[]): Promise<SplitText> {
  const info = await stat(name).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      error.code === 'ENOENT'
        ? `data: expected ${names.join(', ')}, or a file or folder, got ${name}, which is not there`
        : `data: cannot read ${name}: ${error.message}`,
    )
  })
  if (!info.isDirectory()) return holdOutEnd(await readFiles(name), name)
  const entries = await readdir(name)
  const part = (of: RegExp) => entries.find((entry) => of.test(entry))
  const [train, valid] = [part(/^train\b/), part(/^valid/)]
  if (!train || !valid) return holdOutEnd(await readFiles(name), name)
  return {
    train: await readFiles(join(name, train)),
    valid: await readFiles(join(name, valid)),
    description: `${name}, split as its folders say`,
  }
}

/** A file, or all files below a folder in the order of their paths, joined by newlines. */
async function readFiles(path: string): Promise<Uint8Array> {
  const info = await stat(path)
  const paths = info.isDirectory()
    ? (await readdir(path, { withFileTypes: true, recursive: true }))
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
    : [path]
  const parts: Buffer[] = []
  for (const file of paths) {
    const bytes = await readFile(file).catch((error: Error) => {
      throw new Error(`data: cannot read ${file}: ${error.message}`)
    })
    if (bytes.subarray(0, 65_536).includes(0))
      throw new Error(`data: expected text, got ${file}, which is binary (it has zero bytes)`)
    parts.push(...(parts.length ? [Buffer.from('\n')] : []), bytes)
  }
  const text = Buffer.concat(parts)
  if (text.length === 0) throw new Error(`data: expected text, got ${path}, which is empty`)
  return text
}
