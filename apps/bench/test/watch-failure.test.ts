import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { serveWatch } from '../src/watch/server.js'
import { watchableFolder } from '../src/watch/watchable-folder.js'

// A page that cannot be made, for whatever reason: once, then it can.
vi.mock('../src/watch/page.js', async (original) => ({
  ...(await original<object>()),
  watchPage: vi
    .fn()
    .mockImplementationOnce(() => {
      throw new RangeError('Maximum call stack size exceeded')
    })
    .mockReturnValue('the page'),
}))

const folder = await mkdtemp(join(tmpdir(), 'alibi-watch-'))
afterEach(() => rm(folder, { recursive: true }))

it('answers a request that fails with 500, says why, and goes on', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  const stopping = new AbortController()
  let served: Promise<void> | undefined
  const url = await new Promise<string>((onListening) => {
    served = serveWatch(watchableFolder(folder), 0, { onListening, signal: stopping.signal })
  })
  const failed = await fetch(url)
  expect(failed.status).toBe(500)
  expect(await failed.text()).toBe('Maximum call stack size exceeded\n')
  expect(said.mock.calls).toEqual([['watch: Maximum call stack size exceeded']])
  const page = await fetch(url)
  expect([page.status, await page.text()]).toEqual([200, 'the page'])
  stopping.abort()
  await served
})
