// What joined replicas promise where another one is gone; the bench's tests have real ones.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { joinReplicas, ReplicaLostError, selectBackend } from '../src/index.js'
import type { GraphSession } from '../src/replicas/runtime.js'
import type { watchPeers } from '../src/replicas/watch.js'

const unavailable = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)

let watch: Parameters<typeof watchPeers>[0]
const run = vi.fn<GraphSession['run']>((feeds) =>
  feeds.map(({ dtype, shape, data }) => ({ dtype, shape, buffer: data.buffer as ArrayBuffer })),
)
vi.mock('../src/replicas/watch.js', () => ({
  watchPeers(options: typeof watch) {
    watch = options
    return { stop() {} }
  },
}))
vi.mock('../src/replicas/runtime.js', () => ({ startRuntime: () => ({ createSession: () => ({ run, close() {} }) }) }))

const other = createServer()
beforeAll(async () => {
  await once(other.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => void other.close())

it('begins no sum that would have no end, once the watch has missed one', async ({ skip }) => {
  skip(unavailable !== undefined, unavailable)
  const { port } = other.address() as AddressInfo
  const onLost = vi.fn()
  const addresses = ['127.0.0.1:1', `127.0.0.1:${port}`]
  const replicas = await joinReplicas({ addresses, index: 0, onLost })
  expect(replicas.sum(Float64Array.of(2))).toEqual(Float64Array.of(2))
  const runs = run.mock.calls.length
  const lost = new ReplicaLostError(1, 'its address does not answer')
  watch.onLost(lost)
  expect(onLost).toHaveBeenCalledExactlyOnceWith(lost)
  expect(() => replicas.sum(Float64Array.of(2))).toThrow(lost)
  expect(() => replicas.share(Float32Array.of(2))).toThrow(lost)
  expect(run).toHaveBeenCalledTimes(runs)
})
