// Texts travel by what is in them: a machine that has another text at the same path takes the store's.
import { createHash } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { validate } from '@alibi/results'
import { z } from 'zod'
import { taskReferenceOf } from '../config/task-reference.js'
import { sourceNamed } from '../data/sources.js'
import { hashOfFiles } from '../data/token-cache.js'
import { ignoringAbsence } from './absent.js'
import type { Store } from './store.js'

const manifestSchema = z.object({ isFile: z.boolean(), files: z.array(z.string()).min(1) })

/** Whether `data` is a file or folder: a text with a name, and a task, are on every machine. */
export const hasFiles = (data: string): boolean =>
  sourceNamed(data) === undefined && taskReferenceOf(data) === undefined

/** The files of a text, by their paths in it. */
async function filesOf(data: string): Promise<z.infer<typeof manifestSchema>> {
  if ((await stat(data)).isFile()) return { isFile: true, files: [basename(data)] }
  const entries = await readdir(data, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(data, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((file) => !file.split('/').some((part) => part.startsWith('.')))
  return { isFile: false, files: files.sort() }
}

const pathOf = (data: string, isFile: boolean, file: string) => (isFile ? data : join(data, file))

/** Of the names and contents of a text's files; undefined where they are not there. */
export const hashOfText = (data: string): Promise<string | undefined> =>
  ignoringAbsence(async () => {
    const { isFile, files } = await filesOf(data)
    const contents = await hashOfFiles(
      files.map((file) => pathOf(data, isFile, file)),
      { log() {} },
    )
    return createHash('sha256')
      .update(JSON.stringify([isFile, files, contents]))
      .digest('hex')
  }, undefined)

/**
 * Puts a text into the store, unless it is there.
 *
 * @returns what it is found by
 */
export async function storeText(store: Store, data: string): Promise<string> {
  const hash = await hashOfText(data)
  if (hash === undefined) throw new Error(`store: expected the text ${data}, which is not there`)
  if ((await store.read(`texts/${hash}.json`)) !== undefined) return hash
  const { isFile, files } = await filesOf(data)
  for (const file of files) await store.put(`texts/${hash}/${file}`, pathOf(data, isFile, file))
  await store.write(`texts/${hash}.json`, JSON.stringify({ isFile, files }))
  return hash
}

/**
 * Has a text of the store in a folder.
 *
 * @returns where it is to be read
 * @throws Error, one line, if the store has none or another
 */
export async function fetchText(store: Store, hash: string, folder: string): Promise<string> {
  const text = await store.read(`texts/${hash}.json`)
  if (text === undefined) throw new Error(`store: expected the text ${hash}, got none`)
  const { isFile, files } = validate(manifestSchema, JSON.parse(text), `store: texts/${hash}.json`)
  const own = join(folder, hash)
  const data = isFile ? join(own, files[0]!) : own
  if ((await hashOfText(data)) === hash) return data
  const partial = `${own}.partial-${process.pid}`
  for (const file of files) {
    if (relative(partial, join(partial, file)).startsWith('..')) throw new Error(`store: expected files of ${hash}`)
    if (!(await store.get(`texts/${hash}/${file}`, join(partial, file))))
      throw new Error(`store: expected ${file} of the text ${hash}, got none`)
  }
  await rm(own, { recursive: true, force: true })
  await rename(partial, own)
  if ((await hashOfText(data)) !== hash) throw new Error(`store: expected the text ${hash}, got another in its place`)
  return data
}
