import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Writes a folder of files that appears whole or not at all: it is written beside, synced, then renamed; an earlier one
 * stays until then, as `.previous` for a moment.
 */
export async function writeFolder(folder: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
  const fresh = `${folder}.partial`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeSynced(join(fresh, name), content)
  // A folder cannot be renamed over another: a reader that finds none takes `.previous`.
  const previous = `${folder}.previous`
  await rm(previous, { recursive: true, force: true })
  await rename(folder, previous).catch(ignoreMissing)
  await rename(fresh, folder)
  await syncFolder(dirname(folder))
  await rm(previous, { recursive: true, force: true })
}

async function writeSynced(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } catch (error) {
    // For a file that is open the system does not say which it was.
    throw Object.assign(error as NodeJS.ErrnoException, { path })
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}

/**
 * Opens a file that ends: a pipe or a device would never.
 *
 * @throws Error, one line, for what is there and no file
 */
export async function openFile(path: string): Promise<FileHandle> {
  await checkIsFile(path)
  return open(path, 'r')
}

/** The bytes of a file; undefined if it is not there. */
export async function readFileIfThere(path: string): Promise<Buffer | undefined> {
  try {
    await checkIsFile(path)
    return await readFile(path)
  } catch (error) {
    return ignoreMissing(error as NodeJS.ErrnoException)
  }
}

async function checkIsFile(path: string): Promise<void> {
  const found = await stat(path)
  if (found.isFile()) return
  const kind = found.isDirectory() ? 'a folder' : found.isFIFO() ? 'a pipe' : 'a device or socket'
  throw new Error(`checkpoint: expected a file, got ${kind} at ${path}`)
}

/** A catch for what is not there. */
function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}
