import { constants, existsSync } from 'node:fs'
import { access, mkdir, readdir, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { reasonOf } from './errno.js'

/** File systems whose files are no files (statfs(2)): proc, sysfs, debugfs, tracefs, securityfs, devpts, cgroup and cgroup2, bpf. */
const PSEUDO = [0x9fa0, 0x62656572, 0x64626720, 0x74726163, 0x73636673, 0x1cd1, 0x27e0eb, 0x63677270, 0xcafe4a11]

/**
 * What is at a path. What never ends or is no data is refused here, before anyone reads it: pipes, sockets, devices and what
 * a kernel shows as files.
 *
 * @param where - what the message begins with, e.g. `data`
 * @throws Error, one line, for an empty path, one that cannot be looked at, or one of another kind
 */
export async function pathKind(where: string, path: string): Promise<'file' | 'folder' | 'absent'> {
  if (path === '') throw new Error(`${where}: expected a path, got an empty one; is a variable unset?`)
  if (path.includes('\0')) throw new Error(`${where}: expected a path, got one with a zero byte in it`)
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw new Error(`${where}: cannot read ${path} (${reasonOf(error)})`)
  })
  if (!info) return 'absent'
  const special = info.isFIFO()
    ? 'a pipe'
    : info.isSocket()
      ? 'a socket'
      : info.isCharacterDevice() || info.isBlockDevice()
        ? 'a device'
        : (await isPseudo(path))
          ? 'no file but a view into the system'
          : undefined
  if (special) throw new Error(`${where}: expected a file or folder, got ${path}, which is ${special}`)
  return info.isDirectory() ? 'folder' : 'file'
}

const isPseudo = (path: string) =>
  statfs(path).then(
    ({ type }) => PSEUDO.includes(type >>> 0),
    () => false,
  )

/**
 * @param what - is expected there, e.g. `a plan`
 * @throws Error, one line, unless a file is there
 */
export async function expectFile(where: string, path: string, what = 'a file'): Promise<void> {
  const kind = await pathKind(where, path)
  if (kind !== 'file')
    throw new Error(`${where}: expected ${what}, got ${path}, which is ${kind === 'folder' ? 'a folder' : 'not there'}`)
}

/** @throws Error, one line, if something other than a folder is there */
export async function expectFolder(where: string, path: string, what = 'a folder'): Promise<void> {
  const kind = await pathKind(where, path)
  if (kind !== 'folder')
    throw new Error(`${where}: expected ${what}, got ${path}, which is ${kind === 'file' ? 'a file' : 'not there'}`)
}

/** Refuses a folder that has a pipe, a socket or a device among its files: whoever reads it would wait for ever. */
export async function expectPlain(where: string, folder: string): Promise<void> {
  if ((await pathKind(where, folder)) !== 'folder') return
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${where}: cannot read ${folder} (${reasonOf(error)})`)
  })
  for (const name of names) await pathKind(where, join(folder, name))
}

/** @throws Error, one line, for what is no folder of results */
export async function expectResults(where: string, folder: string): Promise<void> {
  await expectFolder(where, folder, 'a folder with results.jsonl')
  await expectPlain(where, folder)
  if (!['results.jsonl', 'results.jsonl.gz'].some((file) => existsSync(join(folder, file))))
    throw new Error(
      `${where}: expected a folder with results.jsonl, got ${folder}, which has none; bench run and bench sweep write one`,
    )
}

/** @throws Error, one line, for what is no file or cannot be read */
export async function readFileAt(where: string, path: string, what?: string): Promise<Buffer> {
  await expectFile(where, path, what)
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${where}: cannot read ${path} (${reasonOf(error)})`)
  })
}

const ANOTHER_OUT = 'take another --out'

/**
 * Refuses a folder to write to that cannot be made or written to.
 *
 * @param remedy - what to do then
 * @throws Error, one line
 */
export async function expectWritable(where: string, folder: string, remedy = ANOTHER_OUT): Promise<void> {
  const refuse = (reason: string) =>
    new Error(`${where}: expected a folder that can be written to, got ${folder}: ${reason}; ${remedy}`)
  if ((await pathKind(where, folder)) === 'file') throw refuse('it is a file')
  // The closest folder that is there. Node.js makes missing ones for ever below some that cannot have any.
  let above = resolve(folder)
  let kind = await pathKind(where, above)
  while (kind === 'absent' && dirname(above) !== above) {
    above = dirname(above)
    kind = await pathKind(where, above)
  }
  if (kind === 'file') throw refuse(`${above} is a file`)
  await access(above, constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => {
    throw refuse(`${above}: ${reasonOf(error)}`)
  })
}

/** Makes a folder, and those above it. */
export async function makeFolder(where: string, folder: string, remedy = ANOTHER_OUT): Promise<void> {
  await expectWritable(where, folder, remedy)
  await mkdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${where}: expected a folder that can be made, got ${folder} (${reasonOf(error)}); ${remedy}`)
  })
}
