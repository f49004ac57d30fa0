// Replicas that are threads of this process: for backends that have one thread each.
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type BackendName, createRoom, joinThreads, ReplicaLostError, type SharedRoom } from '@alibi/backend'
import type { RunConfig, RunOptions } from '../config/schema.js'
import type { RunPlan } from '../run-folder/begin.js'
import type { GatherOptions, Leading } from './crew.js'
import { announce, expectText } from './lead.js'

/** What a thread is begun with. */
export interface ThreadData {
  readonly room: SharedRoom
  readonly index: number
  readonly backend: BackendName
  /** As it was asked for here. */
  readonly given: RunOptions
  /** Where the strategy of a model is that training goes on from. */
  readonly strategy?: string | undefined
}

/** Whether a backend computes on one thread alone. */
export const hasOneThread = (backend: BackendName | 'auto'): boolean => backend === 'wasm' || backend === 'cpu'

/**
 * Threads that train each model of a run together: as many as were asked for, or else, on wasm, of the cores as many as have
 * equal parts of a batch, and drop what one would.
 */
export function threadsOf(
  backend: BackendName,
  config: RunConfig,
  asked: number | undefined,
  cores = availableParallelism(),
): number {
  if (!hasOneThread(backend)) return 1
  if (asked !== undefined || backend !== 'wasm') return asked ?? 1
  let count = Math.min(cores, config.batchSize)
  while (!hasEqualParts(config, count)) count--
  return count
}

function hasEqualParts(config: RunConfig, count: number): boolean {
  const { batchSize, microBatches, dropout, attentionDropout, activationDropout, tailDropout } = config
  const drops = [dropout, attentionDropout, activationDropout, tailDropout].some(Boolean)
  const parts = microBatches % count ? microBatches * count : microBatches
  return batchSize % parts === 0 && !(drops && microBatches % count)
}

/** A run with the threads that it has on this machine. */
export interface ThreadedPlan extends RunPlan {
  /** That train each model together. */
  readonly threads: number
}

/** @param asked - as an option, how many */
export function withThreads(plan: RunPlan, asked: number | undefined): ThreadedPlan {
  const { backend, config } = plan
  const threads = threadsOf(backend.name, config, asked)
  return {
    ...plan,
    threads,
    backend: {
      ...backend,
      device: backend.device.replace('1 thread', threads > 1 ? `${threads} threads` : '1 thread'),
    },
  }
}

/**
 * Starts the other threads, as their leader. They are told what is trained once the text is read: then none of them downloads or
 * writes it as well.
 *
 * @throws what keeps a thread from starting
 */
export async function gatherThreads(plan: ThreadedPlan, { signal, log, ...asked }: GatherOptions): Promise<Leading> {
  const { threads: count } = plan
  log(`${count} threads, each with its part of every batch`)
  const room = createRoom(count)
  const ended = new AbortController()
  const others = Array.from({ length: count - 1 }, (_, i) => {
    const workerData: ThreadData = { room, index: i + 1, backend: plan.backend.name, ...asked }
    const worker = new Worker(new URL('../experiment/thread.js', import.meta.url), { workerData })
    worker.on('error', ({ message }) => ended.abort(new ReplicaLostError(i + 1, message)))
    return worker
  })
  await Promise.all(others.map((worker) => once(worker, 'message', { signal }))).catch((error: Error) => {
    signal.throwIfAborted()
    throw error
  })
  // One that waits for others does not keep the process alive.
  for (const worker of others) worker.unref()
  const replicas = joinThreads({ room, index: 0 })
  return {
    replicas,
    signal: AbortSignal.any([signal, ended.signal]),
    begin(corpus) {
      announce(replicas, plan)
      expectText(replicas, corpus)
    },
  }
}
