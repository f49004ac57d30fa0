import { selectBackend } from '@alibi/backend'
import { codeCommit, matmulGigaflops, versionsOf } from '@alibi/machine'
import { strategyNames } from '@alibi/strategies'
import { Command } from 'commander'
import writeFileAtomic from 'write-file-atomic'
import type { Absent, Contestant, Size } from '../steps/contestant.js'
import { duel, type Outcome } from '../steps/duel.js'
import { readers } from '../steps/evaluation.js'
import { idiomatic } from '../steps/idiomatic.js'
import { ours } from '../steps/ours.js'
import { plainNode } from '../steps/plain-node.js'
import { ourDecoding, ourReading } from '../steps/reading.js'
import { ownKernels, stockWasm } from '../steps/stock-wasm.js'
import { forwardTable, readingTable, savingTable, stepTable, strategyTable } from '../steps/tables.js'
import { torch, transformers } from '../steps/torch.js'
import { contestantsOf, type Saving, savings } from '../steps/train-short.js'

const model = { layers: 4, dim: 256, heads: 8, vocabulary: 512 }
const sizes: readonly Size[] = [
  { name: 'nano', batch: 12, length: 64, layers: 4, dim: 128, heads: 4, vocabulary: 65, steps: 20 },
  { name: '256', batch: 8, length: 256, ...model, steps: 4 },
  { name: '1024', batch: 2, length: 1024, ...model, steps: 3 },
  { name: '4096', batch: 1, length: 4096, ...model, steps: 1 },
]

/** The models of plans/families.yaml. */
const familySize: Size = {
  name: 'families',
  batch: 16,
  length: 64,
  layers: 4,
  dim: 128,
  heads: 4,
  vocabulary: 256,
  steps: 10,
}

/** One thread without compiled steps: a small one. */
const wasmSize: Size = { name: 'wasm', batch: 1, length: 256, ...model, steps: 1 }

const parts = [...sizes.map(({ name }) => name), 'families', 'train-short', 'evaluation', 'passes', 'decoding', 'wasm']

export function speedCommand(): Command {
  return new Command('speed')
    .description(
      "Time steps side by side: ours, TensorFlow.js' usual way, PyTorch; ours by strategy, and short against long; long evaluation.",
    )
    .option('--parts <names>', `from ${parts.join(', ')}`, (text) => text.split(','), parts)
    .option('--rounds <n>', 'turns of each', Number, 5)
    .option('--python <path>', 'a Python with PyTorch', 'python3')
    .option('--out <file>', 'JSON of every time', 'speed.json')
    .action(speed)
}

interface Options {
  readonly parts: readonly string[]
  readonly rounds: number
  readonly python: string
  readonly out: string
}

type Log = (line: string) => void

async function speed({ parts: wanted, rounds, python, out }: Options): Promise<void> {
  const unknown = wanted.find((name) => !parts.includes(name))
  if (unknown !== undefined) throw new Error(`speed: expected parts from ${parts}, got ${unknown}`)
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error(`speed: expected rounds ≥ 1, got ${rounds}`)
  const log: Log = (line) => console.error(line)
  const stock = wanted.includes('wasm') ? await ownKernels() : undefined
  const backend = await selectBackend('tensorflow')
  const ceiling = await matmulGigaflops()
  log(
    `${backend.device}, TensorFlow ${backend.version}; products of 1024² matrices reach ${ceiling.toFixed(0)} GFLOP/s`,
  )
  const about = { device: backend.device, versions: versionsOf(backend), commit: await codeCommit(), ceiling, rounds }
  const all: Record<string, unknown> = { type: 'speed', schemaVersion: 2, ...about }
  // After each part: what is measured is kept, whatever becomes of the next.
  const keep = async (more: object) => writeFileAtomic(out, `${JSON.stringify(Object.assign(all, more), null, 2)}\n`)
  const results: Awaited<ReturnType<typeof steps>>[] = []
  for (const size of sizes.filter(({ name }) => wanted.includes(name))) {
    results.push(await steps(size, ceiling, rounds, python, log))
    await keep({ results })
  }
  if (wanted.includes('families')) await keep({ families: await families(rounds, log) })
  if (wanted.includes('train-short')) await keep({ trainShort: await trainingShort(rounds, log) })
  if (wanted.includes('passes')) await keep({ passes: await passes(rounds, python, log) })
  if (wanted.includes('decoding')) await keep({ decoding: await decoding(rounds, python, log) })
  if (wanted.includes('evaluation')) await keep({ evaluation: await reading(rounds, log) })
  if (stock) await keep({ wasm: await onWasm(stock, rounds, log) })
  log(`every time: ${out}`)
}

async function steps(size: Size, ceiling: number, rounds: number, python: string, log: Log) {
  log(`${size.name}: batch ${size.batch} × ${size.length}, width ${size.dim}, ${rounds} rounds`)
  const outcomes: Outcome[] = []
  for (const peers of togetherInMemory(size)) {
    const [ours, ...others] = await run(await against(size, peers, python, log), size, rounds)
    outcomes.push(...(outcomes.length ? [] : [ours!]), ...others)
  }
  console.log(`\n${stepTable(size, outcomes, ceiling).join('\n')}\n`)
  // Strategies at a size where attention counts but a round is short.
  const strategies = size.name === '256' ? await run(await each(size, 'sinusoidal', log), size, rounds) : []
  if (strategies.length) console.log(`${strategyTable(strategies).join('\n')}\n`)
  return { size, outcomes, strategies }
}

/** What every strategy's step costs against ALiBi's. */
async function families(rounds: number, log: Log) {
  log(`families: batch ${familySize.batch} × ${familySize.length}, width ${familySize.dim}, ${rounds} rounds`)
  const outcomes = await run(await each(familySize, 'alibi', log), familySize, rounds)
  console.log(`\n${strategyTable(outcomes).join('\n')}\n`)
  return { size: familySize, outcomes }
}

async function trainingShort(rounds: number, log: Log) {
  const all: (Saving & { readonly outcomes: Outcome[] })[] = []
  for (const saving of savings) {
    const { short, long } = saving
    log(`train short: ${short.batch} × ${short.length} against ${long.batch} × ${long.length}, width ${short.dim}`)
    all.push({ ...saving, outcomes: await run(await contestantsOf(saving, log), short, rounds) })
  }
  console.log(`\n${savingTable(all).join('\n')}\n`)
  return all
}

async function reading(rounds: number, log: Log) {
  log(`evaluation: one sequence at a time, width ${model.dim}, ALiBi, ${rounds} rounds`)
  const all = readers(model)
  const outcomes = await run(all, { steps: 1 }, rounds)
  const lengths = all.map((reader, i) => ({ length: reader.length, peakBytes: reader.peakBytes(), ...outcomes[i]! }))
  console.log(`\n${readingTable(lengths).join('\n')}\n`)
  return lengths
}

/** Evaluation passes of the sizes that train, beside PyTorch's. */
async function passes(rounds: number, python: string, log: Log) {
  const all: { readonly size: Size; readonly outcomes: Outcome[] }[] = []
  for (const size of sizes.filter(({ name }) => name !== 'nano')) {
    log(`passes: batch ${size.batch} × ${size.length}, width ${size.dim}, ${rounds} rounds`)
    const peers = [
      await torch(size, 'sdpa', python, 'cpu', { forward: true }),
      await torch(size, 'sdpa', python, 'cpu', { forward: true, compile: true }),
      await torch(size, 'flex', python, 'cpu', { forward: true }),
    ]
    const own = [ourReading(size, { compile: true }, log), ourReading(size, { compile: false }, log)]
    const outcomes = await run([...own, ...present(peers, log)], { steps: Math.max(2, size.steps) }, rounds)
    console.log(`\n${forwardTable(`evaluation at ${size.name}`, 'pass', outcomes).join('\n')}\n`)
    all.push({ size, outcomes })
  }
  return all
}

/** Greedy decoding after a prompt, beside transformers. */
async function decoding(rounds: number, python: string, log: Log) {
  const size: Size = { name: 'decoding', batch: 1, length: 512, ...model, steps: 100 }
  log(`decoding: after ${size.length} tokens, width ${size.dim}, ${rounds} rounds`)
  const peers = [await transformers(size, 'loop', python), await transformers(size, 'generate', python)]
  const own = [ourDecoding(size, { compile: true }), ourDecoding(size, { compile: false })]
  const outcomes = await run([...own, ...present(peers, log)], size, rounds)
  console.log(`\n${forwardTable(`decoding after ${size.length}`, 'token', outcomes).join('\n')}\n`)
  return { size, outcomes }
}

async function onWasm(stock: Awaited<ReturnType<typeof ownKernels>>, rounds: number, log: Log) {
  const { device, version } = await selectBackend('wasm')
  log(`wasm: ${device}, ${version}; batch 1 × ${wasmSize.length}, width ${wasmSize.dim}, ${rounds} rounds`)
  const contestants = [await ours(wasmSize, 'alibi', log), stockWasm(wasmSize, stock)]
  const outcomes = await run(contestants, wasmSize, rounds)
  console.log(`\n${stepTable(wasmSize, outcomes).join('\n')}\n`)
  return { size: wasmSize, device, version, outcomes }
}

type Attention = 'eager' | 'sdpa'

/** PyTorch's steps that run in turns with ours: at 4096 each of them keeps 12 GB, so one after the other. */
const togetherInMemory = ({ length }: Size): readonly (readonly Attention[])[] =>
  length > 1024 ? [['eager'], ['sdpa']] : [['eager', 'sdpa']]

async function against(size: Size, peers: readonly Attention[], python: string, log: Log): Promise<Contestant[]> {
  const all: (Contestant | Absent)[] = [await ours(size, 'alibi', log)]
  // Its whole matrix of scores, and what a tape keeps of it, would be several GB at 4096.
  if (size.length <= 1024) all.push(idiomatic(size), await plainNode(size))
  for (const attention of peers) all.push(await torch(size, attention, python))
  return present(all, log)
}

/** Those who take part; says who does not, and why. */
function present(all: readonly (Contestant | Absent)[], log: Log): Contestant[] {
  for (const absent of all) if ('reason' in absent) log(`  ${absent.name}: ${absent.reason}`)
  return all.filter((one): one is Contestant => 'run' in one)
}

/** @param first - what the others are compared with: the paper's baseline is sinusoidal */
const each = (size: Size, first: string, log: Log) =>
  Promise.all([first, ...strategyNames.filter((name) => name !== first)].map((name) => ours(size, name, log)))

async function run(
  contestants: readonly Contestant[],
  { steps }: Pick<Size, 'steps'>,
  rounds: number,
): Promise<Outcome[]> {
  try {
    return await duel(contestants, steps, rounds)
  } finally {
    for (const contestant of contestants) contestant.dispose()
  }
}
