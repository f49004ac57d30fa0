import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * A file that is there whole, or not at all.
 *
 * @param write - makes it at another path
 */
export async function whole(path: string, write: (partial: string) => Promise<unknown>): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const partial = `${path}.partial-${process.pid}`
  try {
    await write(partial)
    await rename(partial, path)
  } finally {
    await rm(partial, { force: true })
  }
}
