import { resolve } from 'node:path'
import type { RunOptions } from '../../config/schema.js'
import { readTokenizerFile, tokenizerHash } from './hugging-face.js'
import type { StoredTokenizer } from './tokenizer.js'

/**
 * The settings that a tokenizer stands for.
 *
 * @param reference - `bytes`, `words`, `prose`, or the path of a tokenizer.json
 * @param folder - that a relative path starts from
 * @throws Error, one line with the file and the field, for a file that cannot be read
 */
export async function tokenizerSettings(reference: string | undefined, folder = '.'): Promise<RunOptions> {
  if (reference === undefined) return {}
  if (!reference.endsWith('.json')) return { tokenizer: reference as 'bytes' }
  const path = resolve(folder, reference)
  const tokenizer = await readTokenizerFile(path)
  const { vocabularySize } = tokenizer
  return { tokenizer: 'tokens', vocabularySize, tokenizerFile: { path, sha256: tokenizerHash(tokenizer) } }
}

/**
 * The tokenizer of settings, as it was when they were made.
 *
 * @throws Error, one line, for a file that is gone or has changed
 */
export async function settledTokenizer({
  path,
  sha256,
}: NonNullable<RunOptions['tokenizerFile']>): Promise<StoredTokenizer> {
  const tokenizer = await readTokenizerFile(path)
  if (tokenizerHash(tokenizer) !== sha256)
    throw new Error(`tokenizer: expected ${path} as it was when the run was begun, got another; restore it`)
  return tokenizer
}
