import { selectBackend } from '@alibi/backend'
import { Command } from 'commander'
import writeFileAtomic from 'write-file-atomic'
import { codeCommit, matmulGigaflops, versionsOf } from '../machine.js'
import { thousands } from '../progress.js'
import { table } from '../report/table.js'
import type { Absent, Contestant, Size } from '../speed/contestant.js'
import { duel, median, type Outcome } from '../speed/duel.js'
import { idiomatic } from '../speed/idiomatic.js'
import { ours } from '../speed/ours.js'
import { torch } from '../speed/torch.js'
import { strategyNames } from '../strategies.js'

const model = { layers: 4, dim: 256, heads: 8, vocabulary: 512 }
const sizes: readonly Size[] = [
  { name: 'nano', batch: 12, length: 64, layers: 4, dim: 128, heads: 4, vocabulary: 65, steps: 20 },
  { name: '256', batch: 8, length: 256, ...model, steps: 4 },
  { name: '1024', batch: 2, length: 1024, ...model, steps: 3 },
  { name: '4096', batch: 1, length: 4096, ...model, steps: 1 },
]

export function speedCommand(): Command {
  return new Command('speed')
    .description("Time training steps side by side: ours, TensorFlow.js' usual way, PyTorch; and ours by strategy.")
    .option('--sizes <names>', `from ${sizes.map(({ name }) => name).join(', ')}`, (text) => text.split(','))
    .option('--rounds <n>', 'turns of each', Number, 5)
    .option('--python <path>', 'a Python with PyTorch', 'python3')
    .option('--out <file>', 'JSON of every time', 'speed.json')
    .action(speed)
}

interface Options {
  readonly sizes?: readonly string[]
  readonly rounds: number
  readonly python: string
  readonly out: string
}

async function speed({ sizes: wanted, rounds, python, out }: Options): Promise<void> {
  const unknown = wanted?.find((name) => !sizes.some((size) => size.name === name))
  if (unknown !== undefined) throw new Error(`speed: expected sizes from ${sizes.map((s) => s.name)}, got ${unknown}`)
  const log = (line: string) => console.error(line)
  const backend = await selectBackend('tensorflow')
  const ceiling = await matmulGigaflops()
  log(
    `${backend.device}, TensorFlow ${backend.version}; products of 1024² matrices reach ${ceiling.toFixed(0)} GFLOP/s`,
  )

  const results = []
  for (const size of sizes.filter(({ name }) => wanted?.includes(name) ?? true)) {
    log(`${size.name}: batch ${size.batch} × ${size.length}, width ${size.dim}, ${rounds} rounds`)
    const peers = await against(size, python, log)
    const peerOutcomes = await run(peers, size, rounds)
    console.log(`\n${stepTable(size, peerOutcomes, ceiling).join('\n')}\n`)
    // Strategies at a size where attention counts but a round is short.
    const strategies = size.name === '256' ? await run(await each(size, log), size, rounds) : []
    if (strategies.length) console.log(`${strategyTable(strategies).join('\n')}\n`)
    results.push({ size, outcomes: peerOutcomes, strategies })
  }
  const about = { device: backend.device, versions: versionsOf(backend), commit: await codeCommit(), ceiling, rounds }
  await writeFileAtomic(out, `${JSON.stringify({ type: 'speed', schemaVersion: 1, ...about, results }, null, 2)}\n`)
  log(`every time: ${out}`)
}

async function against(size: Size, python: string, log: (line: string) => void): Promise<Contestant[]> {
  const all: (Contestant | Absent)[] = [await ours(size, 'alibi', log)]
  // Its whole matrix of scores, and what a tape keeps of it, would be several GB at 4096.
  if (size.length <= 1024) all.push(idiomatic(size))
  all.push(await torch(size, 'eager', python), await torch(size, 'sdpa', python))
  for (const absent of all) if ('reason' in absent) log(`  ${absent.name}: ${absent.reason}`)
  return all.filter((one): one is Contestant => 'run' in one)
}

/** Sinusoidal first: the paper's baseline. */
const each = (size: Size, log: (line: string) => void) =>
  Promise.all(
    ['sinusoidal', ...strategyNames.filter((name) => name !== 'sinusoidal')].map((name) => ours(size, name, log)),
  )

async function run(contestants: readonly Contestant[], { steps }: Size, rounds: number): Promise<Outcome[]> {
  try {
    return await duel(contestants, steps, rounds)
  } finally {
    for (const contestant of contestants) contestant.dispose()
  }
}

function stepTable(size: Size, outcomes: readonly Outcome[], ceiling: number): string[] {
  const tokens = size.batch * size.length
  const parameters = size.vocabulary * size.dim + size.layers * 12 * size.dim ** 2
  const gigaflop = (tokens * (6 * parameters + 12 * size.layers * size.dim * size.length)) / 1e9
  const rows = outcomes.map(({ name, seconds, ratio }) => {
    const time = median(seconds)
    return [
      name,
      (1000 * time).toFixed(1),
      (1000 * Math.min(...seconds)).toFixed(1),
      thousands(tokens / time),
      (gigaflop / time).toFixed(0),
      `${((100 * gigaflop) / time / ceiling).toFixed(0)} %`,
      spread(ratio),
    ]
  })
  const head = [`step at ${size.name}`, 'ms', 'best ms', 'tokens/s', 'GFLOP/s', 'of product', 'time ÷ ours']
  return table([head, ...rows])
}

const strategyTable = (outcomes: readonly Outcome[]): string[] =>
  table([
    ['strategy', 'ms', 'rate ÷ sinusoidal'],
    ...outcomes.map(({ name, seconds, ratio: { median: m, range } }) => [
      name,
      (1000 * median(seconds)).toFixed(1),
      spread({ median: 1 / m, range: [1 / range[1], 1 / range[0]] }),
    ]),
  ])

const spread = ({ median, range: [low, high] }: Outcome['ratio']) =>
  `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
