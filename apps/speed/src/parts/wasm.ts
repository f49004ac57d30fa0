import { selectBackend } from '@alibi/backend'
import { compare } from '../steps/compare.js'
import type { Size } from '../steps/contestant.js'
import { ours } from '../steps/ours.js'
import { makeStart } from '../steps/start.js'
import { ownKernels, stockWasm } from '../steps/stock-wasm.js'
import { stepTable } from '../steps/tables.js'
import { model, type Part } from './part.js'

/** One thread without compiled steps: a small one. */
const size: Size = { name: 'wasm', batch: 1, length: 256, ...model, steps: 1 }

/** The last, as it selects another backend. */
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
