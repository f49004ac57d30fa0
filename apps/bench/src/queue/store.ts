import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { expectWritable } from '../files/paths.js'
import { ignoringAbsence } from './absent.js'

/** What the machines of a sweep share: files by keys such as `texts/…/text.txt`. A file is there whole, or not at all. */
export interface Store {
  /** @returns whether there was one; it is at `path` then */
  get(key: string, path: string): Promise<boolean>
  put(key: string, path: string): Promise<void>
  /** A small file's text; undefined if there is none. */
  read(key: string): Promise<string | undefined>
  write(key: string, text: string): Promise<void>
  /** Removes all whose keys are below one. */
  remove(key: string): Promise<void>
}

/**
 * A folder that all machines see.
 *
 * @throws Error, one line, for one that nothing can be written to
 */
export async function openStore(where: string): Promise<Store> {
  if (/^\w+:\/\//.test(where)) throw new Error(`store: expected a folder that all machines see, got ${where}`)
  await expectWritable('store', where, 'take another --store')
  const folder = resolve(where)
  const at = (key: string) => join(folder, key)
  return {
    get: (key, path) =>
      ignoringAbsence(async () => {
        await copyWhole(at(key), path)
        return true
      }, false),
    put: (key, path) => copyWhole(path, at(key)),
    read: (key) => ignoringAbsence(() => readFile(at(key), 'utf8'), undefined),
    async write(key, text) {
      await mkdir(dirname(at(key)), { recursive: true })
      await writeFileAtomic(at(key), text)
    },
    remove: (key) => rm(at(key), { recursive: true, force: true }),
  }
}

async function copyWhole(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  const partial = `${to}.partial-${process.pid}`
  try {
    await copyFile(from, partial)
    await rename(partial, to)
  } finally {
    await rm(partial, { force: true })
  }
}
