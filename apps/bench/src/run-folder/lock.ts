import { createHash } from 'node:crypto'
import { realpathSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

/**
 * The owner of a folder listens on sockets that are named after it. The system closes them when the process dies, however it
 * ends, so unlike a file with a process id they are never left behind. They are seen on this machine alone.
 */
function socketPath(name: string): string {
  const hashed = `alibi-bench-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`
  if (process.platform === 'linux') return `\0${hashed}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${hashed}` : join(tmpdir(), hashed)
}

/** Without the symbolic links on the way, also of a folder that is not there yet. */
export function realPath(folder: string): string {
  const path = resolve(folder)
  try {
    return realpathSync.native(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) throw error
    return join(realPath(dirname(path)), basename(path))
  }
}

/** What the file system knows a folder by, whatever it is called: a bind mount has another real path. */
function identity(folder: string): string | undefined {
  const stats = statSync(folder, { bigint: true, throwIfNoEntry: false })
  return stats && `${stats.dev}:${stats.ino}`
}

const namesOf = (folder: string) => [realPath(folder), identity(folder)].filter((name) => name !== undefined)

/** Whether a process of this machine works in the folder. */
export async function isLocked(folder: string): Promise<boolean> {
  const answers = await Promise.all(namesOf(folder).map((name) => answersAt(socketPath(name))))
  return answers.includes(true)
}

const answersAt = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    const answer = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.on('connect', () => answer(true))
    socket.on('error', () => answer(false))
  })

/** Sockets of this process by their names. */
const own = new Map<string, Server>()

/**
 * Keeps other processes of this machine from working in a folder, until this one ends or releases it. To be called again once
 * a new folder is made: only then it can be known by another name.
 *
 * @returns releases it
 * @throws Error, one line, if another process works in it
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const names = namesOf(folder)
  const release = () => {
    for (const name of names) {
      own.get(name)?.close()
      own.delete(name)
    }
  }
  try {
    for (const name of names) if (!own.has(name)) own.set(name, await listenAt(socketPath(name)))
  } catch (error) {
    release()
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new Error(`expected a folder that nobody works in, got ${folder}, where another bench does; wait or stop it`)
  }
  return release
}

async function listenAt(path: string): Promise<Server> {
  // A socket that is a file outlives its process.
  if (!/^[\0\\]/.test(path) && !(await answersAt(path))) rmSync(path, { force: true })
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    server.listen(path, () => resolve(server.unref()))
  })
}
