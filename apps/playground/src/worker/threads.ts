// Threads that train with this worker, each on its part of every batch: workers of its own, which run thread.ts.
import {
  type BrowserBackendName,
  createRoom,
  joinThreads,
  type Replicas,
  type SharedRoom,
} from '@alibi/backend/browser'
import type { Experiment } from '../protocol.js'

/** What a thread is told: first where it joins, then of each run. */
export type ToThread =
  | { readonly room: SharedRoom; readonly index: number; readonly backend: BrowserBackendName }
  | { readonly experiment: Experiment }

export interface Threads {
  readonly replicas: Replicas
  /** Has the others do a run, which this thread does too. */
  run(experiment: Experiment): void
}

/** Memory is shared where the page is isolated. More threads would get little of a model so small, or of a batch of few rows. */
export const countThreads = (backend: BrowserBackendName): number =>
  crossOriginIsolated && backend !== 'webgpu'
    ? ([4, 2].find((count) => count <= navigator.hardwareConcurrency) ?? 1)
    : 1

/**
 * Starts all threads but this one, which leads.
 *
 * @throws Error for one that does not start
 */
export async function startThreads(count: number, backend: BrowserBackendName): Promise<Threads> {
  const room = createRoom(count)
  const others = Array.from(
    { length: count - 1 },
    () => new Worker(new URL('./thread.ts', import.meta.url), { type: 'module' }),
  )
  const say = (worker: Worker, message: ToThread) => worker.postMessage(message)
  await Promise.all(
    others.map((worker, i) => {
      say(worker, { room, index: i + 1, backend })
      return new Promise((resolve, reject) => {
        worker.addEventListener('message', resolve)
        worker.addEventListener('error', ({ message }) => reject(new Error(message || 'a thread did not start')))
      })
    }),
  )
  return {
    replicas: joinThreads({ room, index: 0 }),
    run(experiment) {
      for (const worker of others) say(worker, { experiment })
    },
  }
}
