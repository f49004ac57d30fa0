import { totalmem } from 'node:os'
import { type Backend, backendNames, selectBackend } from '@alibi/backend'
import { matmulGigaflops } from '@alibi/machine'
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
      console.log(`${name}: works, ${describe(backend)}${speed}`)
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

const describe = (backend: Backend) => `${backend.package} ${backend.version} on ${backend.device}`
const gigabytes = (bytes: number) => `${Math.round(bytes / 1e9)} GB`
