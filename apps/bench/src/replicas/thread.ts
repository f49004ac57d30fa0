// The thread of threads.ts.
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { joinThreads, ReplicaLostError, selectBackend } from '@alibi/backend'
import { obeyLeader } from '../experiment/follow.js'
import type { ThreadData } from './threads.js'

const { room, index, backend, given, strategy } = workerData as ThreadData
const replicas = joinThreads({ room, index })
try {
  const crew = { replicas, signal: new AbortController().signal }
  await obeyLeader(crew, await selectBackend(backend), { given, strategy })
} catch (error) {
  // The leader is told of a thread that is gone, and waits for it: what it says itself would come too late.
  if (!(error instanceof ReplicaLostError)) writeSync(2, `replica ${index}: ${(error as Error).message}\n`)
  replicas.fail()
}
