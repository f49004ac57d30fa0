import { selectBackend } from '@alibi/backend/browser'
import type { Model } from '@alibi/transformer'
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'
import type { BackendChoice, FromWorker, ToWorker } from '../protocol.js'
import { extrapolate, train, write } from './experiment.js'
import { createGate } from './gate.js'

const wasmPaths = {
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
}
const models = new Map<string, Model>()
let gate = createGate()

const tell = (message: FromWorker) => postMessage(message)

async function open(choice: BackendChoice): Promise<void> {
  const software = choice === 'software'
  const { name, device, passedOver } = await selectBackend(software ? 'webgpu' : choice, { software, wasmPaths })
  // What comes after the semicolon is for programs.
  const whyNotGpu = passedOver.find((other) => choice === 'auto' && other.name === 'webgpu')?.reason.split(';')[0]
  tell({ type: 'opened', name, device, ...(whyNotGpu !== undefined && { whyNotGpu }) })
}

async function run({ experiment, prompt, temperature }: ToWorker & { type: 'run' }): Promise<void> {
  gate = createGate()
  for (const model of models.values()) model.dispose()
  models.clear()
  for (const strategy of experiment.strategies) {
    if (!(await gate.pass())) break
    const { model, ...saved } = await train(strategy, experiment, gate, tell)
    models.set(strategy, model)
    tell({ type: 'trained', strategy, ...saved })
    await extrapolate(model, strategy, experiment, gate, tell)
    if (await gate.pass()) await write(model, { strategy, prompt, temperature }, tell)
  }
  tell({ type: 'idle' })
}

async function handle(message: ToWorker): Promise<void> {
  switch (message.type) {
    case 'open':
      return open(message.backend)
    case 'run':
      return run(message)
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
