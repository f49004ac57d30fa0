// Cells in progress, in the store: from there another machine goes on. A snapshot is whole before anything points to it, and
// the next one lies beside it, so that a worker that was given up while it still works can spoil nothing.
import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { validate } from '@alibi/results'
import { resultsPath } from '@alibi/results/node'
import { z } from 'zod'
import { checkpointFolder } from '../run-folder/layout.js'
import { ignoringAbsence } from './absent.js'
import type { CellJob } from './cell-job.js'
import type { Store } from './store.js'

type CellName = Pick<CellJob, 'sweep' | 'cell' | 'key'>

const pointerSchema = z.object({ snapshot: z.string(), files: z.array(z.string()).min(1) })

const prefixOf = ({ sweep, cell }: CellName) => `sweeps/${sweep}/${cell}`
const pointerOf = (name: CellName) => `${prefixOf(name)}/current.json`

async function readPointer(store: Store, name: CellName) {
  const text = await store.read(pointerOf(name))
  return text === undefined ? undefined : validate(pointerSchema, JSON.parse(text), `store: ${pointerOf(name)}`)
}

/**
 * Which checkpoint a cell's folder has: another one is in another folder of the file system. Undefined where there is none.
 *
 * @param own - the cell's folder
 */
export const checkpointStamp = (own: string, { key }: CellName): Promise<string | undefined> =>
  ignoringAbsence(async () => {
    const { ino, mtimeMs } = await stat(checkpointFolder(own, key))
    return `${ino} ${mtimeMs}`
  }, undefined)

/**
 * Keeps a cell's checkpoint, and its lines, in the store.
 *
 * @param own - the cell's folder
 * @returns whether it was kept: not where the cell's process has saved another one meanwhile
 */
export async function keepSnapshot(store: Store, own: string, name: CellName): Promise<boolean> {
  const [before, previous] = [await checkpointStamp(own, name), await readPointer(store, name)]
  if (before === undefined) return false
  const snapshot = randomUUID()
  const at = `${prefixOf(name)}/${snapshot}`
  try {
    const checkpoint = checkpointFolder(own, name.key)
    // The lines last: those after the checkpoint are left out by whoever goes on.
    const paths = [...(await readdir(checkpoint)).map((file) => join(checkpoint, file)), resultsPath(own)]
    const files = paths.map((path) => relative(own, path).replaceAll('\\', '/'))
    for (const [i, path] of paths.entries()) await store.put(`${at}/${files[i]}`, path)
    if ((await checkpointStamp(own, name)) !== before) throw Object.assign(new Error('saved anew'), { code: 'ENOENT' })
    await store.write(pointerOf(name), JSON.stringify({ snapshot, files }))
  } catch (error) {
    await store.remove(at)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return false
  }
  if (previous) await store.remove(`${prefixOf(name)}/${previous.snapshot}`)
  return true
}

/**
 * Makes a folder of the last snapshot of a cell, in place of what is there.
 *
 * @returns whether there was one
 */
export async function restoreSnapshot(store: Store, own: string, name: CellName): Promise<boolean> {
  for (let pointer = await readPointer(store, name), last = ''; pointer; pointer = await readPointer(store, name)) {
    const partial = `${own}.partial`
    await rm(partial, { recursive: true, force: true })
    if (await getAll(store, `${prefixOf(name)}/${pointer.snapshot}`, pointer.files, partial)) {
      await rm(own, { recursive: true, force: true })
      await rename(partial, own)
      return true
    }
    // Another one has taken its place meanwhile.
    if (last === pointer.snapshot) throw new Error(`store: expected the files of ${prefixOf(name)}, some are missing`)
    last = pointer.snapshot
  }
  return false
}

async function getAll(store: Store, at: string, files: readonly string[], folder: string): Promise<boolean> {
  for (const file of files) {
    if (relative(folder, join(folder, file)).startsWith('..')) throw new Error(`store: expected files below ${at}`)
    if (!(await store.get(`${at}/${file}`, join(folder, file)))) return false
  }
  return true
}
