// Threads that add up, and take steps, together: this one and two workers.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRoom, joinThreads } from '../src/index.js'
import { stepOfThreads } from '../src/replicas/threads.js'
import { partOf, work } from './thread-work.mjs'

/** Without the conditions of this process: they take what is built. */
const workers = [1, 2].map(() => new Worker(new URL('./thread-work.mjs', import.meta.url), { execArgv: [] }))
beforeAll(() => Promise.all(workers.map((worker) => once(worker, 'message'))))
afterAll(() => Promise.all(workers.map((worker) => worker.terminate())))

/** What each of several threads makes of the same work. */
async function together<N extends keyof typeof work>(
  count: number,
  name: N,
  argument?: Parameters<(typeof work)[N]>[1],
) {
  const room = createRoom(count)
  const others = workers.slice(0, count - 1).map(async (worker, i) => {
    const answer = once(worker, 'message')
    worker.postMessage({ room, index: i + 1, name, argument })
    return (await answer)[0]
  })
  const own = await work[name](joinThreads({ room, index: 0 }), argument as never)
  return [own, ...(await Promise.all(others))] as Awaited<ReturnType<(typeof work)[N]>>[]
}

it.each([2, 3])('%i threads have the same bits of long sums, many in a row, added up in their order', async (count) => {
  const rounds = 6
  const [double, single] = [createHash('sha256'), createHash('sha256')]
  for (let round = 0; round < rounds; round++) {
    const sum = Float64Array.from(partOf(0, round))
    const rounded = Float32Array.from(sum)
    for (let index = 1; index < count; index++)
      for (const [i, value] of partOf(index, round).entries()) {
        sum[i]! += value
        rounded[i]! += Math.fround(value)
      }
    double.update(sum)
    single.update(rounded)
  }
  const expected = { double: double.digest('hex'), single: single.digest('hex') }
  expect(await together(count, 'sums', rounds)).toEqual(Array.from({ length: count }, () => expected))
})

it('what is gathered beside −0, and what is shared, keeps its bits', async () => {
  const values = Float64Array.of(-0, 0, 0.1, -1 / 3, 5e-324, 1e308, -Infinity, Infinity, 2 ** -149, -(2 ** 127))
  for (const { gathered, shared } of await together(2, 'exact', values)) {
    expect(gathered).toEqual(values)
    expect(shared).toEqual(Float32Array.from(values))
  }
})

it('one that fails is missed by who waits and who comes later, with its reason', async () => {
  const lost = {
    ...{ sum: 3, replica: 1 },
    message: 'replicas: expected all replicas, got no answer from replica 1 (out of luck: Pech)',
  }
  expect(await together(3, 'failing', 20)).toEqual([lost, lost, lost])
})

it('a sum that all have come to is theirs, whoever fails right after it', async () => {
  for (let turn = 0; turn < 40; turn++)
    for (const { sum, replica } of await together(3, 'failing', 0))
      expect({ sum, replica }).toEqual({ sum: 3, replica: 1 })
})

it('two train as one does, and have the same weights', async () => {
  const alone = await work.training(undefined)
  const [first, second] = await together(2, 'training')
  expect(second).toEqual(first)
  // Sums of some twenty float32 numbers in another order.
  expect(first!.losses).toBeAllclose(alone.losses, { rtol: 1e-6, atol: 0 })
  expect(first!.weights).toBeAllclose(alone.weights, { rtol: 0, atol: 1e-6 })
})

it('refuses a place that is not there, and replicas of others', () => {
  const refused = (count: number, index: number) =>
    expect(() => joinThreads({ room: createRoom(count), index })).toThrow(
      new RangeError(`joinThreads: expected an index into two threads or more, got ${index} of ${count}`),
    )
  refused(2, 2)
  refused(2, -1)
  refused(2, 0.5)
  refused(1, 0)
  expect(() => stepOfThreads(() => [], { ...joinThreads({ room: createRoom(2), index: 0 }) })).toThrow(
    'stepOfThreads: expected replicas that joinThreads has made, got others',
  )
})
