// What the system refuses is told in one line of ours: what, where, why, and what to do.
import { mkdir, mkdtemp, open, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appendResults } from '@alibi/results/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalText } from '../src/files/errno.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-errno-'))
  await writeFile(join(folder, 'file'), '')
})
afterAll(() => rm(folder, { recursive: true }))

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.unreachable(),
    (error) => error,
  )

describe('an error of the system', () => {
  it.each<[string, (path: string) => Promise<unknown>, string, string]>([
    [
      'opening what is not there',
      (path) => open(path),
      'nothing',
      'cannot open PATH (it is not there); look whether it was moved or deleted',
    ],
    ['opening a folder to write', (path) => open(path, 'w'), '.', 'cannot open PATH (it is a folder); name a file'],
    ['making what exists', (path) => mkdir(path), 'file', 'cannot make PATH (it exists); take another path'],
    [
      'reading below a file',
      (path) => readdir(path),
      'file/x',
      'cannot read PATH (a part of its path is a file); take another path',
    ],
    [
      'a name that is too long',
      (path) => mkdir(path),
      'x'.repeat(300),
      'cannot make PATH (the name is too long); take a shorter one',
    ],
  ])('is one line: %s', async (_, work, name, text) => {
    const path = join(folder, name)
    expect(refusalText(await errorOf(work(path)))).toBe(text.replace('PATH', path))
  })

  it.each([
    ['EACCES', 'permission denied'],
    ['EPERM', 'permission denied'],
    ['EROFS', 'the file system is read-only'],
    ['ENOSPC', 'the disk is full'],
    ['EDQUOT', 'your share of the disk is full'],
    ['EFBIG', 'the file would be larger than is allowed here'],
    ['EIO', 'the device does not answer as it should'],
    ['EMFILE', 'too many files are open'],
    ['ENFILE', 'too many files are open on this machine'],
    ['EBUSY', 'it is in use'],
    ['ESTALE', 'the server of the file has lost it'],
  ])('%s says why and what to do', (code, reason) => {
    const error = Object.assign(new Error(`${code}: its words, open '/a/b'\nmore`), {
      code,
      syscall: 'open',
      path: '/a/b',
    })
    expect(refusalText(error)).toMatch(/^cannot open \/a\/b \([^)]+\); \S[^\n]+$/)
    expect(refusalText(error)).toContain(`(${reason})`)
  })

  it('without words of ours keeps its own, in one line', () => {
    const error = Object.assign(new Error('EXYZ: odd\nmore'), { code: 'EXYZ', syscall: 'frob', path: '/a' })
    expect(refusalText(error)).toBe('cannot frob /a (EXYZ: odd)')
  })

  it('of a port names the port', async () => {
    const first = createServer().listen(0)
    await new Promise((resolve) => first.once('listening', resolve))
    const { port } = first.address() as { port: number }
    const error = await new Promise((resolve) => createServer().once('error', resolve).listen(port))
    first.close()
    expect(refusalText(error)).toBe(`cannot listen at port ${port} (something else uses it); take another --port`)
  })

  it('is nothing else', () => {
    expect(refusalText(new Error('another'))).toBeUndefined()
    expect(refusalText(Object.assign(new Error('zlib'), { code: 'Z_DATA_ERROR' }))).toBeUndefined()
    expect(refusalText('a text')).toBeUndefined()
  })
})

describe.runIf(process.platform === 'linux')('a disk that is full', () => {
  it('is told with the file: results', async () => {
    await symlink('/dev/full', join(folder, 'results.jsonl'))
    const line = { type: 'run', schemaVersion: 1 } as never
    expect(refusalText(await errorOf(appendResults(folder, line)))).toMatch(
      new RegExp(`^cannot write ${folder}/results.jsonl \\(the disk is full\\); free some space`),
    )
  })
})
