import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCheckpoint } from '../src/checkpoints/open.js'
import { readSource } from '../src/data/sources.js'
import { expectResults, makeFolder, pathKind } from '../src/files/paths.js'
import { loadPlugin } from '../src/plugins/load.js'
import { planRun } from '../src/run-folder/begin.js'
import { readPlan } from '../src/sweep/plan.js'

// What is no file is made as Linux makes it.
const linux = process.platform === 'linux'
const folder = mkdtempSync(join(tmpdir(), 'alibi-paths-'))
const at = (name: string) => join(folder, name)
let server: Server
beforeAll(async () => {
  if (!linux) return
  execFileSync('mkfifo', [at('pipe')])
  for (const name of ['results', 'checkpoint']) await mkdir(at(name))
  execFileSync('mkfifo', [at('results/results.jsonl'), at('checkpoint/checkpoint.json')])
  await writeFile(at('file'), 'a file')
  server = createServer().listen(at('socket'))
  await new Promise((resolve) => server.once('listening', resolve))
})
afterAll(async () => {
  server?.close()
  await rm(folder, { recursive: true })
})

const log = () => {}
const commands: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  data: (path) => readSource(path, { log, trainLength: 8 }),
  plan: readPlan,
  out: (out) => planRun({ out, backend: 'cpu', given: {}, log }),
  resume: (out) => planRun({ out, resume: true, backend: 'cpu', given: {}, log }),
  checkpoint: (path) => openCheckpoint(path, log),
  results: (path) => expectResults('report', path),
  strategy: (path) => loadPlugin(path),
  download: (path) => makeFolder('data', path),
}
const special = {
  'a pipe': at('pipe'),
  'a socket': at('socket'),
  'a device without end': '/dev/zero',
  'a device': '/dev/null',
  'a view into the system': '/proc/self/mem',
  'a folder of views': '/proc/self',
  'a place below one': '/proc/nothing/below',
  'an empty path': '',
  'a zero byte': 'a\0b',
  'a long name': 'x'.repeat(5000),
  'below a file': join(at('file'), 'below'),
}

describe.runIf(linux)('a path that is no file or folder', () => {
  for (const [command, take] of Object.entries(commands))
    it.each(Object.entries(special))(
      `is refused in one line as ${command}: %s`,
      { timeout: 10_000 },
      async (_, path) => {
        await expect(take(path)).rejects.toThrow(/^(?:[\w /-]+.*: (expected|cannot read)|unknown strategy)[^\n]*$/)
      },
    )

  it.each([
    ['results', () => expectResults('report', at('results'))],
    ['resume', () => planRun({ out: at('results'), resume: true, backend: 'cpu', given: {}, log })],
    ['checkpoint', () => openCheckpoint(at('checkpoint'), log)],
  ])('is refused within a folder: %s', { timeout: 10_000 }, async (_, take) => {
    await expect(take()).rejects.toThrow('which is a pipe')
  })

  it('is no file and no folder, and nothing is there where nothing is', async () => {
    expect(await pathKind('x', at('file'))).toBe('file')
    expect(await pathKind('x', folder)).toBe('folder')
    expect(await pathKind('x', at('nothing'))).toBe('absent')
  })

  const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))
  it.each([
    ['run', '--data', at('pipe')],
    ['run', '--out', ''],
    ['sweep', at('pipe')],
    ['compare', at('pipe'), at('pipe')],
    ['generate', '/dev/zero'],
  ])('is refused by the command: %s %s %s', { timeout: 30_000 }, async (...args) => {
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) =>
      execFile(process.execPath, [bench, ...args], { cwd: folder, timeout: 25_000 }, (error, _, stderr) =>
        resolve({ code: error?.code, stderr }),
      ),
    )
    expect(
      stderr
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('bench:')),
    ).toHaveLength(1)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(1)
  })
})
