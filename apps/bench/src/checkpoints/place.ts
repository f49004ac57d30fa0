// What kind of model a path has, before any of it is read.
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expectFile, expectFolder, expectPlain, pathKind } from '../files/paths.js'

const BENCH = 'checkpoint.json'
const TRANSFORMERS = 'config.json'

/**
 * Who wrote the model at a path, as far as names of files tell it.
 *
 * @param where - what the message begins with
 * @param what - is expected there
 * @throws Error, one line, if nothing is there, it is one file of a model's folder, or config.json is no file
 */
export async function writerAt(
  where: string,
  path: string,
  what: string,
): Promise<'bench' | 'transformers' | 'fairseq'> {
  if ((await pathKind(where, path)) === 'file') {
    const folder = dirname(path)
    // A file of fairseq is whole by itself, wherever it lies.
    if (!path.endsWith('.pt') && [BENCH, TRANSFORMERS].some((name) => existsSync(join(folder, name))))
      throw new Error(`${where}: expected ${what}, got ${basename(path)} of such a folder; take ${folder}`)
    return 'fairseq'
  }
  await expectFolder(where, path, what)
  await expectPlain(where, path)
  const config = join(path, TRANSFORMERS)
  if (!existsSync(config)) return 'bench'
  await expectFile(where, config)
  return 'transformers'
}
