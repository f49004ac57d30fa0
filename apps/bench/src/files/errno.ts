// What the system refused, in words. Loads nothing, so that every command can have it.

interface Refusal {
  readonly reason: string
  /** What to do. */
  readonly remedy: string
}

const OTHER_PATH = 'take another path'
const PERMISSION = { reason: 'permission denied', remedy: 'change its permissions or take another path' }
const FREE_SPACE = 'free some space and run again with --resume (a sweep: the same command)'
const LIMITS = 'raise the limit (ulimit -n) or run fewer processes at once'

const REFUSALS: Readonly<Record<string, Refusal>> = {
  EACCES: PERMISSION,
  EPERM: PERMISSION,
  EROFS: { reason: 'the file system is read-only', remedy: OTHER_PATH },
  ENOENT: { reason: 'it is not there', remedy: 'look whether it was moved or deleted' },
  EEXIST: { reason: 'it exists', remedy: OTHER_PATH },
  EISDIR: { reason: 'it is a folder', remedy: 'name a file' },
  ENOTDIR: { reason: 'a part of its path is a file', remedy: OTHER_PATH },
  ENOTEMPTY: { reason: 'the folder is not empty', remedy: OTHER_PATH },
  ELOOP: { reason: 'its symbolic links lead in a circle', remedy: OTHER_PATH },
  ENAMETOOLONG: { reason: 'the name is too long', remedy: 'take a shorter one' },
  EXDEV: { reason: 'it is on another file system', remedy: OTHER_PATH },
  EBUSY: { reason: 'it is in use', remedy: 'wait or end what uses it' },
  ENOSPC: { reason: 'the disk is full', remedy: FREE_SPACE },
  EDQUOT: { reason: 'your share of the disk is full', remedy: FREE_SPACE },
  EFBIG: { reason: 'the file would be larger than is allowed here', remedy: 'raise the limit (ulimit -f)' },
  EIO: { reason: 'the device does not answer as it should', remedy: 'look at the disk or the connection to it' },
  ESTALE: { reason: 'the server of the file has lost it', remedy: 'mount it again' },
  EMFILE: { reason: 'too many files are open', remedy: LIMITS },
  ENFILE: { reason: 'too many files are open on this machine', remedy: LIMITS },
  EAGAIN: { reason: 'too many processes', remedy: 'run fewer at once (--jobs)' },
  ENOMEM: { reason: 'there is no memory left', remedy: 'run fewer processes at once or a smaller model' },
  EADDRINUSE: { reason: 'something else uses it', remedy: 'take another --port' },
}

/** What was done to a path, by the call that failed. */
const VERBS: Readonly<Record<string, string>> = {
  open: 'open',
  read: 'read',
  scandir: 'read',
  stat: 'look at',
  lstat: 'look at',
  write: 'write',
  fsync: 'write',
  mkdir: 'make',
  mkdtemp: 'make',
  rename: 'rename',
  unlink: 'delete',
  rm: 'delete',
  rmdir: 'delete',
  listen: 'listen at',
}

/** An error that a system call throws. */
interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
  readonly path?: string
  readonly address?: string
  readonly port?: number
}

const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'code' in error && 'syscall' in error

/** Why the system refused, in words. */
export const reasonOf = ({ code = '', message }: NodeJS.ErrnoException): string =>
  (Object.hasOwn(REFUSALS, code) ? REFUSALS[code]!.reason : message).split('\n')[0]!

/** An error of the system in one line: what could not be done to which path, why, and what to do; undefined for any other. */
export function refusalText(error: unknown): string | undefined {
  if (!isSystemError(error)) return undefined
  const { code, syscall, path, address, port } = error
  const [call = ''] = syscall.split(' ')
  const at = path ?? (port === undefined ? address : `port ${port}`)
  const done = `cannot ${Object.hasOwn(VERBS, call) ? VERBS[call] : call}${at === undefined ? '' : ` ${at}`}`
  const remedy = Object.hasOwn(REFUSALS, code) ? `; ${REFUSALS[code]!.remedy}` : ''
  return `${done} (${reasonOf(error)})${remedy}`
}
