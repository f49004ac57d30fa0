// What replicas change and cost: every built-in strategy trained by one, two and four processes on this machine, whose losses are
// compared; and how fast the preset `small` trains in each, in turns, against what --dry-run predicts.
//     node tooling/replica-figures.mjs [--steps 100] [--strategies alibi,rotary] [--rate-steps 12] [--turns 2]
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readResults } from '@alibi/results/node'
import { root } from './setup.mjs'

/** The private packages are not among the root's dependencies. */
const { strategyNames } = await import(join(root, 'packages/strategies/dist/index.js'))

const text = /** @type {const} */ ({ type: 'string' })
const { values } = parseArgs({ options: { steps: text, strategies: text, 'rate-steps': text, turns: text } })
const steps = Number(values.steps ?? 100)
const strategies = values.strategies?.split(',') ?? [...strategyNames]
const rateSteps = Number(values['rate-steps'] ?? 12)
const turns = Number(values.turns ?? 2)
const COUNTS = [1, 2, 4]

const folder = await mkdtemp(join(tmpdir(), 'alibi-replicas-'))
// Words that repeat, and never in the same order: something to learn.
let state = 1
function word() {
  state = (state * 48271) % 2147483647
  return ['the', 'cat', 'sat', 'on', 'a', 'mat', 'and', 'saw'][state % 8]
}
await writeFile(join(folder, 'text.txt'), Array.from({ length: 40_000 }, word).join(' '))

/** @param {readonly string[]} args @returns {Promise<string>} what it prints */
function bench(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'tooling/app.mjs'), 'bench', ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        printed += data
      })
    child.on('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`bench ${args.join(' ')}:\n${printed}`)),
    )
  })
}

/** @param {number} count */
const replicas = (count) => (count === 1 ? [] : ['--replicas', String(count)])

/** A run's results. @param {string} out @param {readonly string[]} args */
async function run(out, args) {
  await bench(['run', '--data', 'text.txt', '--backend', 'tensorflow', ...args, '--out', out])
  return readResults(join(folder, out))
}

// A third of the rate that `bench run` takes by itself: at 0.003 some of these models are at the edge of what they bear after 70
// steps, and the order of one process' own sums (--micro-batches 2) then moves a loss by 3e-4.
const small =
  '--num-layers 2 --model-dim 32 --num-heads 4 --train-length 32 --batch-size 4 --learning-rate 0.001 --eval-lengths 32,128 --eval-tokens 1024 --seeds 1'

/** Every loss of one command that trains all of them, by strategy. @param {string} out @param {readonly string[]} args */
async function losses(out, args) {
  const { train, evals } = await run(out, [
    ...small.split(' '),
    '--strategies',
    strategies.join(','),
    '--steps',
    String(steps),
    ...args,
  ])
  /** @type {Map<string, number[]>} */
  const found = new Map(strategies.map((strategy) => [strategy, []]))
  for (const { strategy, lossNats } of [...train, ...evals]) found.get(strategy)?.push(lossNats)
  return found
}

let worst = 0
const counted = []
for (const count of steps ? COUNTS : []) counted.push(await losses(`losses-${count}`, replicas(count)))
for (const strategy of steps ? strategies : []) {
  const [alone, ...others] = /** @type {[number[], ...number[][]]} */ (counted.map((found) => found.get(strategy)))
  const differences = others.map((losses) =>
    Math.max(...losses.map((loss, i) => Math.abs(loss / Number(alone[i]) - 1))),
  )
  worst = Math.max(worst, ...differences)
  console.log(
    `${strategy}: ${alone.length} losses of 2 and 4 replicas differ by ${differences.map((d) => d.toExponential(1)).join(', ')}`,
  )
}
if (steps) console.log(`at most ${worst.toExponential(1)}, over ${steps} steps of ${strategies.length} strategies`)

/** @type {Map<number, number[]>} */
const rates = new Map(COUNTS.map((count) => [count, []]))
const sized =
  '--preset small --strategies alibi --batch-size 32 --micro-batches 4 --eval-lengths 256 --eval-tokens 4096 --tokenizer bytes'
for (let turn = 0; turn < (rateSteps ? turns : 0); turn++)
  for (const count of COUNTS) {
    const args = [...sized.split(' '), '--steps', String(rateSteps), ...replicas(count)]
    const { train } = await run(`rate-${turn}-${count}`, args)
    // A line is a step here; the first are slower, as graphs are made.
    const settled = train.slice(4).map(({ tokensPerSecond }) => tokensPerSecond)
    const rate = settled.toSorted((a, b) => a - b)[Math.floor(settled.length / 2)] ?? Number.NaN
    rates.get(count)?.push(rate)
    console.log(`small, ${count} process${count > 1 ? 'es' : ''}: ${Math.round(rate)} tokens/s`)
  }
for (const count of rateSteps ? COUNTS.slice(1) : []) {
  const shares = /** @type {number[]} */ (rates.get(count)).map((rate, i) => rate / Number(rates.get(1)?.[i]))
  console.log(`${count} processes: ${shares.map((share) => share.toFixed(2)).join(', ')} of the rate of one`)
  const args = [
    'run',
    '--data',
    'text.txt',
    ...sized.split(' '),
    '--steps',
    String(rateSteps),
    ...replicas(count),
    '--dry-run',
  ]
  console.log((await bench(args)).trimEnd())
}
await rm(folder, { recursive: true })
