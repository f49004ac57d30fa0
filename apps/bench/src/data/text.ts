import { readdir, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { readNamed, type TextName, textNames } from './named.js'
import { taskNames } from './tasks.js'

/** Text to train on and text held out: no byte is in both. */
export interface SplitText {
  readonly train: Uint8Array
  readonly valid: Uint8Array
  /** Where it comes from and how it was split, in a few words. */
  readonly description: string
}

const HELD_OUT = 0.1

/** Whether a text is meant by its name, not by its path. */
export const isNamedText = (name: string) => name === 'typescript' || textNames.includes(name as TextName)

/**
 * Text by name, or from a file or folder.
 *
 * A folder with `train` and `valid` (folders, or files such as train.txt) is split as they say. Anything else, its files
 * joined in the order of their names, is cut once: the last tenth is held out.
 *
 * @throws Error, one line with what to do, for text that is missing, empty, binary or unreadable
 */
export async function readText(name: string, options: ReadOptions): Promise<SplitText> {
  if (name === 'typescript') return cut(await readFile(typescriptSource()), 'the source of the typescript package')
  if (textNames.includes(name as TextName)) return readNamed(name as TextName, options)
  const info = await stat(name).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      error.code === 'ENOENT'
        ? `data: expected typescript, ${[...textNames, ...taskNames].join(', ')}, or a file or folder, got ${name}, which is not there`
        : `data: cannot read ${name}: ${error.message}`,
    )
  })
  if (!info.isDirectory()) return cut(await readFiles(name), name)
  const entries = await readdir(name)
  const part = (of: RegExp) => entries.find((entry) => of.test(entry))
  const [train, valid] = [part(/^train\b/), part(/^valid/)]
  if (!train || !valid) return cut(await readFiles(name), name)
  return {
    train: await readFiles(join(name, train)),
    valid: await readFiles(join(name, valid)),
    description: `${name}, split as its folders say`,
  }
}

export interface ReadOptions {
  readonly log: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

function cut(text: Uint8Array, source: string): SplitText {
  if (text.length === 0) throw new Error(`data: expected text, got ${source}, which is empty`)
  const at = Math.floor(text.length * (1 - HELD_OUT))
  return { train: text.subarray(0, at), valid: text.subarray(at), description: `${source}, its last tenth held out` }
}

/** One real program of 9 MB that the workspace installs anyway, the same bytes everywhere: pinned by the lockfile. */
function typescriptSource(): string {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  return join(dirname(manifest), 'lib/typescript.js')
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
