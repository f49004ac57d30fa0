import { readFileAt } from '../files/paths.js'
import { textOf } from './encoding.js'
import type { FoundFiles } from './found-files.js'
import { holdOutEnd, type ReadOptions, type SplitText } from './split-text.js'

/**
 * Text of files, in memory. Where none is held out by its name, all are joined in the order of their names, and the last tenth
 * is held out.
 *
 * @throws Error, one line with what to do, for text that is empty, binary, in another encoding or unreadable
 */
export async function readFiles({ train, valid, description }: FoundFiles, options: ReadOptions): Promise<SplitText> {
  if (!valid) return holdOutEnd(await readAll(description, train, options), description)
  return {
    train: await readAll(train.join(', '), train, options),
    valid: await readAll(valid.join(', '), valid, options),
    description,
  }
}

/** The same, all of which is held out. */
export async function readWhole({ train, description }: FoundFiles, options: ReadOptions): Promise<SplitText> {
  const all = await readAll(description, train, options)
  return { train: all, valid: all, description }
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
