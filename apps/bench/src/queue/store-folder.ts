import { copyFile, mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { expectWritable } from '../files/paths.js'
import { ignoringAbsence } from './absent.js'
import type { Store } from './store.js'
import { whole } from './whole.js'

/**
 * A folder that all machines see.
 *
 * @throws Error, one line, for one that nothing can be written to
 */
export async function openFolder(where: string): Promise<Store> {
  await expectWritable('store', where, 'take another --store')
  const folder = resolve(where)
  const at = (key: string) => join(folder, key)
  return {
    get: (key, path) =>
      ignoringAbsence(async () => {
        await whole(path, (partial) => copyFile(at(key), partial))
        return true
      }, false),
    put: (key, path) => whole(at(key), (partial) => copyFile(path, partial)),
    read: (key) => ignoringAbsence(() => readFile(at(key), 'utf8'), undefined),
    async write(key, text) {
      await mkdir(dirname(at(key)), { recursive: true })
      await writeFileAtomic(at(key), text)
    },
    remove: (key) => rm(at(key), { recursive: true, force: true }),
  }
}
