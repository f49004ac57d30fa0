// The last parts, as they select another backend.
import { selectBackend } from '@alibi/backend'
import { compare } from '../steps/compare.js'
import type { Size } from '../steps/contestant.js'
import { ourThreads } from '../steps/our-threads.js'
import { ours } from '../steps/ours.js'
import { makeStart } from '../steps/start.js'
import { ownKernels, stockWasm } from '../steps/stock-wasm.js'
import { stepTable } from '../steps/tables.js'
import { model, type Part } from './part.js'

/** Steps are not compiled: a small one. */
const size: Size = { name: 'wasm', batch: 1, length: 256, ...model, steps: 1 }
/** The model and batch of `npm start`. */
const quick: Size = { name: 'quick', batch: 8, length: 128, layers: 4, dim: 128, heads: 4, vocabulary: 256, steps: 5 }

export const wasm: Part = {
  name: 'wasm',
  what: `training steps of ${size.batch} × ${size.length} tokens on one thread of WebAssembly, against TensorFlow.js's own kernels`,
  async run({ rounds, log, print }) {
    const stock = await ownKernels()
    const { device, version } = await selectBackend('wasm')
    const start = await makeStart(size)
    try {
      const own = await ours(start, 'alibi', log)
      const compared = await compare(own, [[async () => stockWasm(size, stock)]], { steps: size.steps, rounds, log })
      print(stepTable(size, compared))
      return { size, device, version, ...compared }
    } finally {
      start.dispose()
    }
  },
}

export const wasmThreads: Part = {
  name: 'wasm-threads',
  what: `training steps of ${quick.batch} × ${quick.length} tokens on WebAssembly, all threads against one`,
  async run({ rounds, log, print }) {
    const { device, version } = await selectBackend('wasm')
    const start = await makeStart(quick)
    try {
      const own = await ourThreads(start, log)
      const compared = await compare(own, [[() => ours(start, 'alibi', log)]], { steps: quick.steps, rounds, log })
      print(stepTable(quick, compared))
      return { size: quick, device, version, ...compared }
    } finally {
      start.dispose()
    }
  },
}
