import { totalmem } from 'node:os'
import { alibi } from '@alibi/alibi'
import { type Backend, type BackendName, backendNames, describeCuda, inspectCuda, selectBackend } from '@alibi/backend'
import { matmulGigaflops } from '@alibi/machine'
import { attentionNames, createModel } from '@alibi/transformer'
import { Command } from 'commander'
import { dataFolder } from '../data/download.js'
import { keptSelfTests, selfTestOnce } from '../self-test/store.js'

/** @param names - the backends it looks at */
export function doctorCommand(names: readonly BackendName[] = backendNames): Command {
  return new Command('doctor')
    .description('Say what this machine can do, and what would make it faster.')
    .option('--json', 'as JSON, with the self-test of each GPU: for a bug report')
    .action(({ json = false }: { json?: boolean }) => doctor(names, json))
}

interface Working extends Pick<Backend, 'name' | 'package' | 'version' | 'device' | 'isGpu'> {
  readonly works: true
  /** In a product of 1024² matrices; null where that takes too long. */
  readonly gigaflops: number | null
  /** Kernels of attention with slopes: of a training step, and of a long evaluation. */
  readonly attention: { readonly training: string; readonly reading: string }
}

type Found = Working | { readonly name: BackendName; readonly works: false; readonly reason: string }

async function doctor(names: readonly BackendName[], json: boolean): Promise<void> {
  const platform = `${process.platform}-${process.arch}`
  const machine = { node: process.versions.node, platform, memoryBytes: totalmem(), downloads: dataFolder() }
  const backends: Found[] = []
  for (const name of names) backends.push(await tryBackend(name, json))
  const { name: auto } = await selectBackend('auto')
  const cuda = inspectCuda()
  const faster = hintsFor(auto)
  if (json) {
    const selfTests = await keptSelfTests()
    return console.log(JSON.stringify({ ...machine, backends, auto, faster, cuda, selfTests }, null, 2))
  }
  console.log(`node ${machine.node} on ${platform}, ${Math.round(machine.memoryBytes / 1e9)} GB of memory`)
  console.log(`downloads are kept in ${machine.downloads}`)
  for (const found of backends) console.log(`${found.name}: ${found.works ? describe(found) : found.reason}`)
  // Most machines have neither a driver nor a build for one.
  if (cuda.driver !== undefined || cuda.build || cuda.problems.length)
    for (const line of describeCuda(cuda)) console.log(`cuda: ${line}`)
  console.log(`--backend auto takes ${auto}`)
  for (const hint of faster) console.log(`faster: ${hint}`)
}

/** @param test - whether to test a GPU that was not tested before */
async function tryBackend(name: BackendName, test: boolean): Promise<Found> {
  try {
    const backend = await selectBackend(name)
    if (test) await selfTestOnce(backend, (line) => console.error(line))
    const gigaflops = name === 'cpu' ? null : await matmulGigaflops()
    const { package: from, version, device, isGpu } = backend
    return { name, works: true, package: from, version, device, isGpu, gigaflops, attention: attentionOf() }
  } catch (error) {
    return { name, works: false, reason: (error as Error).message }
  }
}

function describe({ package: from, version, device, gigaflops, attention }: Working): string {
  const speed = gigaflops === null ? '' : `, ${gigaflops.toFixed(0)} GFLOP/s in a product of 1024² matrices`
  return `works, ${from} ${version} on ${device}${speed}; attention with slopes is ${attention.training} in training, ${attention.reading} in a long evaluation`
}

function hintsFor(auto: BackendName): string[] {
  const hints = []
  if (auto !== 'tensorflow') hints.push('run `npx alibi-setup-tensorflow`, then doctor again')
  if (process.platform === 'linux' && !process.env.MALLOC_MMAP_THRESHOLD_)
    hints.push('start it with `pnpm bench`, which sets MALLOC_MMAP_THRESHOLD_ and its like for glibc')
  return hints
}

/** On the backend that is selected. */
function attentionOf(): Working['attention'] {
  const numHeads = 2
  const model = createModel({ vocabularySize: 2, numLayers: 1, modelDim: 8, numHeads }, alibi({ numHeads }))
  const [training] = attentionNames(model, { length: 64, trains: true })
  const [reading] = attentionNames(model, { length: 4096 })
  model.dispose()
  return { training: training!, reading: reading! }
}
