// Who tests a GPU the first time that it computes. No GPU is here, and the test itself is in self-test.test.ts.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { doctorCommand } from '../src/commands/doctor.js'
import { resolveRunConfig } from '../src/config/resolve.js'
import { resolveRuns } from '../src/sweep/resolve.js'
import { bench } from './command-line.js'

vi.mock(import('../src/self-test/store.js'), async (original) => ({
  ...(await original()),
  selfTestOnce: async ({ name }) => {
    throw new Error(`${name} would be tested now`)
  },
}))
// Handlers of signals would add up.
vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

let folder: string
let text: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-self-test-calls-'))
  text = join(folder, 'text.txt')
  await writeFile(text, 'a text of few words. '.repeat(50))
})
afterAll(() => rm(folder, { recursive: true }))

it.each(['run', 'train'])('%s does, before it writes anything', async (verb) => {
  const out = join(folder, verb)
  const { code, stderr } = await bench(verb, '--data', text, '--backend', 'cpu', '--out', out)
  expect([code, stderr.at(-1)]).toEqual([1, expect.stringContaining('cpu would be tested now')])
  expect(await readdir(folder)).toEqual(['text.txt'])
})

it('a sweep does, before its cells', async () => {
  const options = { jobs: 1, backend: 'cpu', log: () => {}, signal: new AbortController().signal } as const
  const resolved = resolveRuns([resolveRunConfig({ strategies: ['alibi'], data: text })], options)
  await expect(resolved).rejects.toThrow('cpu would be tested now')
})

it('doctor does for a bug report', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await doctorCommand(['cpu']).parseAsync(['--json'], { from: 'user' })
  const { backends } = JSON.parse(log.mock.calls.join(''))
  expect(backends).toEqual([{ name: 'cpu', works: false, reason: 'cpu would be tested now' }])
  log.mockRestore()
})
