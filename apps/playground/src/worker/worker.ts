import { selectBackend } from '@alibi/backend/browser'
import type { Model } from '@alibi/transformer'
import type { BackendChoice, FromWorker, ToWorker } from '../protocol.js'
import { run, write } from './experiment.js'
import { createGate, sharedGate } from './gate.js'
import { countThreads, startThreads, type Threads } from './threads.js'
import { wasmPaths } from './wasm-paths.js'

const models = new Map<string, Model>()
let gate = createGate()
let threads: Threads | undefined

const tell = (message: FromWorker) => postMessage(message)

async function open(choice: BackendChoice): Promise<void> {
  const software = choice === 'software'
  const { name, device, passedOver } = await selectBackend(software ? 'webgpu' : choice, { software, wasmPaths })
  const count = countThreads(name)
  if (count > 1) threads = await startThreads(count, name)
  // What comes after the semicolon is for programs.
  const whyNotGpu = passedOver.find((other) => choice === 'auto' && other.name === 'webgpu')?.reason.split(';')[0]
  const onThreads = count > 1 ? device.replace('1 thread', `${count} threads`) : device
  tell({ type: 'opened', name, device: onThreads, ...(whyNotGpu !== undefined && { whyNotGpu }) })
}

async function begin({ experiment, prompt, temperature }: ToWorker & { type: 'run' }): Promise<void> {
  gate = createGate()
  const { replicas } = threads ?? {}
  threads?.run(experiment)
  await run(experiment, { gate: replicas ? sharedGate(replicas, gate) : gate, tell, replicas }, models, (strategy) =>
    write(models.get(strategy)!, { strategy, prompt, temperature }, tell),
  )
  tell({ type: 'idle' })
}

async function handle(message: ToWorker): Promise<void> {
  switch (message.type) {
    case 'open':
      return open(message.backend)
    case 'run':
      return begin(message)
    case 'write':
      await write(models.get(message.writing.strategy)!, message.writing, tell)
      return tell({ type: 'idle' })
    default:
      return gate[message.type]()
  }
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  handle(data).catch((error: unknown) => {
    tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  })
})
