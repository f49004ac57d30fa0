// Our step on several threads of this process, on a backend that has one.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { createRoom, joinThreads, type Replicas, type SharedRoom } from '@alibi/backend'
import type { Contestant, Size } from './contestant.js'
import { ours } from './ours.js'
import type { Start } from './start.js'

/** What a thread is begun with. */
export interface ThreadData {
  readonly room: SharedRoom
  readonly index: number
  readonly size: Size
}

/** As many threads as there are here, each with its part of the batch. */
export async function ourThreads(start: Start, log: (line: string) => void): Promise<Contestant> {
  const { size } = start
  let count = Math.min(availableParallelism(), size.batch)
  while (size.batch % count) count--
  if (count < 2) throw new Error(`speed: expected two threads or more for the part wasm-threads, got ${count}`)
  const room = createRoom(count)
  for (let index = 1; index < count; index++) {
    const workerData: ThreadData = { room, index, size }
    new Worker(new URL('./our-thread.js', import.meta.url), { workerData })
  }
  const replicas = joinThreads({ room, index: 0 })
  const own = await ours(start, 'alibi', log, replicas)
  return {
    ...own,
    name: `ours, alibi, ${count} threads`,
    run(steps) {
      order(replicas, steps)
      return own.run(steps)
    },
    dispose() {
      order(replicas)
      own.dispose()
    },
  }
}

/** What all threads do next: the first one's steps. 0: they end. */
export const order = (replicas: Replicas, steps = 0): number => replicas.sum(Float64Array.of(steps))[0]!
