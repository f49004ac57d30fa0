import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathKind } from '../files/paths.js'

/**
 * A hash of the weights in a folder, of transformers or of the bench, or in a file of fairseq.
 *
 * @returns SHA-256 of their file; of several files, of a line with name and hash for each
 */
export async function hashOfWeights(folder: string): Promise<string> {
  if ((await pathKind('checkpoint', folder)) === 'file') return hashOf(folder)
  const files = await weightFiles(folder)
  const hashes = await Promise.all(files.map((name) => hashOf(join(folder, name))))
  if (hashes.length === 1) return hashes[0]!
  const lines = files.map((name, i) => `${name} ${hashes[i]}\n`)
  return createHash('sha256').update(lines.join('')).digest('hex')
}

/** The names of the files with the weights in a folder. */
export async function weightFiles(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).sort()
  const weights = (ending: RegExp) => names.filter((name) => ending.test(name) && !name.startsWith('optimizer.'))
  const safetensors = weights(/\.safetensors$/)
  return safetensors.length ? safetensors : weights(/\.bin$/)
}

/** Of a file that may be larger than memory. */
async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}
