// The thread of replicas/threads.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { joinThreads, selectBackend } from '@alibi/backend'
import { thrownText } from '../plugins/thrown.js'
import type { ThreadData } from '../replicas/threads.js'
import { obeyLeader } from './follow.js'

const { room, index, backend, given, strategy } = workerData as ThreadData
const selected = await selectBackend(backend)
const replicas = joinThreads({ room, index })
const fail = (error: unknown) => replicas.fail(thrownText(error))
// Before TensorFlow.js's own listener, which ends the thread. The leader hears of nothing else while it waits for a sum.
process.prependOnceListener('uncaughtException', fail)
const ends = (code: number) => replicas.fail(`its thread has ended with exit code ${code}`)
process.once('exit', ends)
parentPort!.postMessage('ready')
await obeyLeader({ replicas, signal: new AbortController().signal }, selected, { given, strategy }).catch(fail)
process.off('exit', ends)
