import { type Backend, selectBackend } from '@alibi/backend'
import { codeCommit, versionsOf } from '@alibi/machine'
import { Command } from 'commander'
import writeFileAtomic from 'write-file-atomic'
import { timed, usefulFlop, ways } from '../gpu/attention.js'
import { checkWays } from '../gpu/check.js'
import type { Rates } from '../gpu/cost.js'
import { copyBandwidth, dispatchMicroseconds, productRate } from '../gpu/device.js'
import { type KernelCost, kernelCosts, kernelTable } from '../gpu/kernels.js'
import { type AttentionShape, gpuSizes, type Sizes, softwareSizes } from '../gpu/sizes.js'
import { watchModel } from '../gpu/watched.js'
import { difference } from '../steps/compare.js'
import type { Absent, Contestant, Size } from '../steps/contestant.js'
import { duel, median, type Outcome } from '../steps/duel.js'
import { idiomatic } from '../steps/idiomatic.js'
import { ours } from '../steps/ours.js'
import { type TorchAttention, torch, torchAttention } from '../steps/peers.js'
import { makeStart } from '../steps/start.js'
import { spread, table, thousands } from '../steps/tables.js'

export function gpuCommand(): Command {
  return new Command('gpu')
    .description(
      "What this machine's GPU does through WebGPU: its device, its rates, attention and training, checked and compared.",
    )
    .option('--software', 'on the processor, in tiny sizes: to see that everything works; says nothing of a GPU')
    .option('--rounds <n>', 'turns of each', Number, 3)
    .option('--python <path>', 'a Python with PyTorch and CUDA', 'python3')
    .option('--out <file>', 'JSON of every time', 'gpu.json')
    .action(gpu)
}

interface Options {
  readonly software?: boolean
  readonly rounds: number
  readonly python: string
  readonly out: string
}

const log = (line: string) => console.error(line)
const torchWays: readonly TorchAttention[] = ['eager', 'sdpa', 'flex']

async function gpu({ software = false, rounds, python, out }: Options): Promise<void> {
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error(`gpu: expected rounds ≥ 1, got ${rounds}`)
  const backend = await selectBackend('webgpu', { software }).catch((error: Error) => {
    throw new Error(
      `gpu: ${error.message.replace('code may ask for the processor with { software: true }', '--software tries everything on the processor instead')}`,
    )
  })
  const { device, features, limits } = backend.webgpu!
  console.log(`${software ? 'NOT A GPU: ' : ''}${device}; features: ${features.join(', ') || 'none'}`)
  console.log(
    Object.entries(limits)
      .map(([name, value]) => `  ${name} ${thousands(value)}`)
      .join('\n'),
  )
  const sizes = software ? softwareSizes : gpuSizes
  const rates = await measureDevice(sizes)
  const checked = await checkWays({ ...sizes.attention[0]!, heads: 4, length: software ? 40 : 300 })
  if (!backend.isGpu) log('PyTorch is compared on a GPU only')
  log(`every way agrees with float64, and in its gradients: ${Object.keys(checked).length} checked before any is timed`)

  const attention = []
  for (const shape of sizes.attention)
    for (const backward of [false, true])
      attention.push(await timeAttention(shape, backward, { backend, rounds, python }))
  const training = await timeTraining(sizes.training, { backend, rounds, python })
  const kernels = await watchKernels(sizes.training, rates)
  const about = {
    device,
    software,
    features,
    limits,
    versions: versionsOf(backend),
    commit: await codeCommit(),
    rounds,
  }
  const all = { type: 'gpu', schemaVersion: 1, ...about, rates, checked, attention, training, kernels }
  await writeFileAtomic(out, `${JSON.stringify(all, null, 2)}\n`)
  log(`every time: ${out}`)
}

async function measureDevice({ copied, product }: Sizes) {
  const rates = {
    dispatchMicroseconds: await dispatchMicroseconds(),
    copyBytesPerSecond: await copyBandwidth(copied),
    productFlopPerSecond: await productRate(product),
  }
  console.log(
    `a dispatch ${rates.dispatchMicroseconds.toFixed(1)} µs; copies ${(rates.copyBytesPerSecond / 1e9).toFixed(2)} GB/s; ` +
      `products of ${product}² ${(rates.productFlopPerSecond / 1e12).toFixed(4)} TFLOP/s`,
  )
  return rates
}

interface Setting {
  readonly backend: Backend
  readonly rounds: number
  readonly python: string
}

async function timeAttention(shape: AttentionShape, backward: boolean, { backend, rounds, python }: Setting) {
  const own = Object.entries(ways(shape)).map(([name, attend]) => timed(name, shape, attend, backward))
  const peers = backend.isGpu ? torchWays.map((way) => torchAttention(shape, way, backward, python)) : []
  const outcomes = await finish(present([...own, ...(await Promise.all(peers))]), shape.passes, rounds)
  const flop = usefulFlop(shape, backward)
  const rows = outcomes.map(({ name, seconds, ratio }) => {
    const time = median(seconds)
    return [name, (1000 * time).toFixed(2), (flop / time / 1e12).toFixed(4), spread(ratio)]
  })
  const head = `${backward ? 'forward + backward' : 'forward'} at ${shape.length}, ${shape.heads} heads of ${shape.headDim}`
  console.log(`\n${table([[head, 'ms', 'TFLOP/s', 'time ÷ ours'], ...rows]).join('\n')}`)
  return { shape, backward, outcomes }
}

async function timeTraining(size: Size, { backend, rounds, python }: Setting) {
  const start = await makeStart(size)
  const stock = await attempt({ ...idiomatic(size), name: 'stock tfjs-webgpu, idiomatic' })
  const peers = backend.isGpu
    ? torchWays.map((attention) => torch(start, 'train', { attention, device: 'cuda' }, python))
    : []
  const own = await ours(start, 'alibi', () => {})
  const all = [own, ...present([stock, ...(await Promise.all(peers))].map((one) => sameModel(own, one)))]
  start.dispose()
  const outcomes = await finish(all, size.steps, rounds)
  const rows = outcomes.map(({ name, seconds, ratio }) => {
    const time = median(seconds)
    return [name, (1000 * time).toFixed(1), thousands((size.batch * size.length) / time), spread(ratio)]
  })
  console.log(`\n${table([[`training, ${size.name} a step`, 'ms', 'tokens/s', 'time ÷ ours'], ...rows]).join('\n')}`)
  return { size, outcomes }
}

/**
 * Prints which kernel is far from what its bytes and operations cannot take less than.
 *
 * @returns the kernels of a training step, a pass and a token
 */
export async function watchKernels(size: Size, rates: Rates): Promise<Record<string, KernelCost[]>> {
  const start = await makeStart(size)
  const watched = await watchModel(start).finally(() => start.dispose())
  const costs = Object.entries(watched).map(([what, all]) => [what, kernelCosts(all, rates)] as const)
  for (const [what, all] of costs) console.log(`\n${kernelTable(`${what}, ${size.name}`, all).join('\n')}`)
  return Object.fromEntries(costs)
}

/** A peer whose losses are other than ours takes no part. */
function sameModel(own: Contestant, one: Contestant | Absent): Contestant | Absent {
  const reason = 'run' in one ? difference(own, one) : undefined
  if (reason !== undefined && 'run' in one) one.dispose()
  return reason === undefined ? one : { name: one.name, reason }
}

/** The stock step keeps whole matrices of scores: more memory than many a GPU has. */
async function attempt(contestant: Contestant): Promise<Contestant | Absent> {
  try {
    await contestant.run(1)
    return contestant
  } catch (error) {
    contestant.dispose()
    return { name: contestant.name, reason: (error as Error).message.split('\n')[0]! }
  }
}

function present(all: readonly (Contestant | Absent)[]): Contestant[] {
  for (const one of all) if ('reason' in one) log(`  ${one.name}: ${one.reason}`)
  return all.filter((one): one is Contestant => 'run' in one)
}

async function finish(contestants: readonly Contestant[], steps: number, rounds: number): Promise<Outcome[]> {
  try {
    return await duel(contestants, steps, rounds)
  } finally {
    for (const contestant of contestants) contestant.dispose()
  }
}
