// A thread that does what the worker does that has started it, in step with it, and tells nothing.
import { joinThreads, selectBackend, type ThreadReplicas } from '@alibi/backend/browser'
import type { Model } from '@alibi/transformer'
import { run } from './experiment.js'
import { sharedGate } from './gate.js'
import type { ToThread } from './threads.js'
import { wasmPaths } from './wasm-paths.js'

const models = new Map<string, Model>()
let replicas: ThreadReplicas

async function handle(message: ToThread): Promise<void> {
  if ('room' in message) {
    await selectBackend(message.backend, { wasmPaths })
    replicas = joinThreads(message)
    postMessage('ready')
  } else {
    const work = { gate: sharedGate(replicas), tell() {}, replicas }
    await run(message.experiment, work, models).catch((error: Error) => replicas.fail(error.message))
  }
}

addEventListener('message', ({ data }: MessageEvent<ToThread>) => void handle(data).catch(reportError))
