import { createHash } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * Where whoever works in a folder listens. The system closes it with the process, however that ends: unlike a file with a
 * process id it is never left behind. It is seen on this machine alone.
 */
function address(folder: string): string {
  const name = `alibi-bench-${createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 24)}`
  if (process.platform === 'linux') return `\0${name}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), name)
}

/** Whether a process of this machine holds the folder. */
export const isHeld = (folder: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(address(folder))
    const answer = (held: boolean) => {
      socket.destroy()
      resolve(held)
    }
    socket.on('connect', () => answer(true))
    socket.on('error', () => answer(false))
  })

/**
 * Keeps other processes of this machine from working in a folder, until this one ends or releases it.
 *
 * @returns releases it
 * @throws Error, one line, if another process does
 */
export async function holdFolder(folder: string): Promise<() => void> {
  const path = address(folder)
  // A socket that is a file outlives its process.
  if (!/^[\0\\]/.test(path) && !(await isHeld(folder))) unlinkIfThere(path)
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `expected a folder that nobody works in, got ${folder}, where another bench does; wait or stop it`,
            )
          : error,
      ),
    )
    server.listen(path, () => resolve(() => server.close()))
    server.unref()
  })
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
