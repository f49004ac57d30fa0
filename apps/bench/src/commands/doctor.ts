import { totalmem } from 'node:os'
import { alibi } from '@alibi/alibi'
import { type Backend, backendNames, selectBackend } from '@alibi/backend'
import { matmulGigaflops } from '@alibi/machine'
import { attentionNames, createModel } from '@alibi/transformer'
import { Command } from 'commander'
import { dataFolder } from '../data/download.js'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Say what this machine can do, and what would make it faster.')
    .action(doctor)
}

async function doctor(): Promise<void> {
  console.log(
    `node ${process.versions.node} on ${process.platform}-${process.arch}, ${gigabytes(totalmem())} of memory`,
  )
  console.log(`downloads are kept in ${dataFolder()}`)
  for (const name of backendNames) {
    try {
      const backend = await selectBackend(name)
      const speed =
        name === 'cpu' ? '' : `, ${(await matmulGigaflops()).toFixed(0)} GFLOP/s in a product of 1024² matrices`
      console.log(`${name}: works, ${describe(backend)}${speed}; ${attentionOf()}`)
    } catch (error) {
      console.log(`${name}: ${(error as Error).message}`)
    }
  }
  const chosen = await selectBackend('auto')
  console.log(`--backend auto takes ${chosen.name}`)
  if (chosen.name !== 'tensorflow') console.log('faster: run `npx alibi-setup-tensorflow`, then doctor again')
  if (process.platform === 'linux' && !process.env.MALLOC_MMAP_THRESHOLD_)
    console.log('faster: start it with `pnpm bench`, which sets MALLOC_MMAP_THRESHOLD_ and its like for glibc')
}

/** The kernels of attention on the backend that is selected: of a training step, and of a long evaluation. */
function attentionOf(): string {
  const numHeads = 2
  const model = createModel({ vocabularySize: 2, numLayers: 1, modelDim: 8, numHeads }, alibi({ numHeads }))
  const [training] = attentionNames(model, { length: 64, trains: true })
  const [reading] = attentionNames(model, { length: 4096 })
  model.dispose()
  return `attention with slopes is ${training} in training, ${reading} in a long evaluation`
}

const describe = (backend: Backend) => `${backend.package} ${backend.version} on ${backend.device}`
const gigabytes = (bytes: number) => `${Math.round(bytes / 1e9)} GB`
