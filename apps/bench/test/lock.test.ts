import { mkdir, mkdtemp, realpath, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isLocked, lockFolder } from '../src/run-folder/lock.js'

let folder: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'alibi-lock-')))
  await mkdir(join(folder, 'real/run'), { recursive: true })
  await symlink(join(folder, 'real'), join(folder, 'parent'))
  await symlink(join(folder, 'real/run'), join(folder, 'link'))
  await symlink('link', join(folder, 'link-to-link'))
  await symlink('loop', join(folder, 'loop'))
})
afterEach(() => rm(folder, { recursive: true }))

/** As another process has it. */
async function ofAnotherProcess() {
  vi.resetModules()
  return import('../src/run-folder/lock.js')
}

describe('a lock is of the folder, by whatever name', () => {
  it.each(['real/run', 'link', 'link-to-link', 'parent/run', 'real/../parent/./run/'])('%s', async (name) => {
    const release = await lockFolder(join(folder, 'real/run'))
    const path = `${folder}/${name}`
    expect(await isLocked(path)).toBe(true)
    expect(await isLocked(relative('.', path))).toBe(true)
    const other = await ofAnotherProcess()
    await expect(other.lockFolder(path)).rejects.toThrow(
      `expected a folder that nobody works in, got ${path}, where another bench does; wait or stop it`,
    )
    release()
    expect(await isLocked(path)).toBe(false)
    ;(await other.lockFolder(path))()
  })

  it('before it is made, below a linked parent', async () => {
    const release = await lockFolder(join(folder, 'parent/new/deep'))
    const other = await ofAnotherProcess()
    await expect(other.lockFolder(join(folder, 'real/new/deep'))).rejects.toThrow('nobody works in')
    await mkdir(join(folder, 'real/new/deep'), { recursive: true })
    await expect(other.lockFolder(join(folder, 'parent/new/deep'))).rejects.toThrow('nobody works in')
    release()
  })

  it('that has another real path, as a bind mount has', async () => {
    const release = await lockFolder(join(folder, 'real/run'))
    await rename(join(folder, 'real/run'), join(folder, 'moved'))
    expect(await isLocked(join(folder, 'moved'))).toBe(true)
    await expect((await ofAnotherProcess()).lockFolder(join(folder, 'moved'))).rejects.toThrow('nobody works in')
    release()
  })

  it('and of no other', async () => {
    const release = await lockFolder(join(folder, 'real/run'))
    for (const other of ['real', 'real/run2', 'real/run/cells', 'parent'])
      expect(await isLocked(join(folder, other))).toBe(false)
    release()
  })
})

it('refuses links that lead in a circle', async () => {
  await expect(lockFolder(join(folder, 'loop/run'))).rejects.toThrow('ELOOP')
})
