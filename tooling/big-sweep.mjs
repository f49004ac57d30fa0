// The folder of a large sweep, as the bench would have written it, to measure the live page and the report by:
//     node tooling/big-sweep.mjs FOLDER [seeds]    10 strategies × seeds (200) cells, 250 lines each; two cells are half done
// Then, for example: /usr/bin/time -v pnpm bench report FOLDER, and pnpm bench watch FOLDER.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

const STRATEGIES = 'alibi,sinusoidal,rotary,t5-bias,learned,kerple-log,kerple-power,fire,sandwich,none'.split(',')
const TRAIN_LENGTH = 64
const EVAL_LENGTHS = [64, 128, 256, 512, 1024]
const TRAIN_LINES = 240
const BINS = 16

const [folder, seedCount = '200'] = process.argv.slice(2)
if (!folder || !(Number(seedCount) > 0)) {
  console.error('big-sweep: expected FOLDER [seeds], e.g. node tooling/big-sweep.mjs runs/big 200')
  process.exit(2)
}
const seeds = Array.from({ length: Number(seedCount) }, (_, i) => i + 1)

const [first = ''] = readFileSync(join(root, 'docs/results/extrapolation.jsonl'), 'utf8').split('\n')
const kept = JSON.parse(first)
const config = { ...kept.config, strategies: STRATEGIES, seeds, trainLength: TRAIN_LENGTH, evalLengths: EVAL_LENGTHS }
Object.assign(config, { protocols: ['nonoverlapping'], stride: undefined, windowedControl: false })
const run = { ...kept, config, sweep: { ...kept.sweep, plan: 'big', trainLengths: [TRAIN_LENGTH] }, seed: 1 }
const json = (/** @type {object} */ line) => `${JSON.stringify(line)}\n`

/**
 * A cell's lines, with values that differ from seed to seed as those of training do.
 * @param {string} strategy
 * @param {number} seed
 */
function linesOf(strategy, seed) {
  const cell = { strategy, trainLength: TRAIN_LENGTH, seed, size: '4x128x4' }
  const rank = STRATEGIES.indexOf(strategy)
  const noise = (/** @type {number} */ i) => 0.05 * Math.sin(12.9898 * seed + 78.233 * i + rank)
  const train = Array.from({ length: TRAIN_LINES }, (_, i) => {
    const step = Math.round(((i + 1) * config.steps) / TRAIN_LINES)
    const lossNats = 1.2 + 0.05 * rank + 4.3 / (1 + i / 6) + noise(i)
    const elapsedSeconds = step * 0.031 + 0.001 * seed
    const tokensPerSecond = (i ? 33_000 : 2_000) + 900 * noise(i)
    return { type: 'train', ...cell, step, lossNats, tokensPerSecond, elapsedSeconds, peakResidentBytes: 5e8 + 1e5 * i }
  })
  const evals = EVAL_LENGTHS.flatMap((evalLength, i) => {
    const lossNats = 1.25 + 0.05 * rank + 0.06 * rank * i + noise(300 + i)
    const reading = { evalLength, protocol: 'nonoverlapping', stride: evalLength }
    const numbers = { tokens: config.evalTokens, lossNats, perplexity: Math.exp(lossNats) }
    const rest = { bitsPerByte: lossNats / Math.LN2, tokensPerSecond: 90_000, peakBytes: 1e7 + 1e4 * evalLength }
    const bins = Array.from({ length: BINS }, (_, b) => {
      const [from, to] = [(b * evalLength) / BINS, ((b + 1) * evalLength) / BINS]
      return { from, to, tokens: 24 * (to - from), lossNats: lossNats + noise(400 + b) }
    })
    return [
      { type: 'eval', ...cell, ...reading, ...numbers, ...rest },
      { type: 'positions', ...cell, ...reading, bins },
    ]
  })
  return [...train, ...evals]
}

/** @type {string[]} */
const all = [json(run)]
for (const seed of seeds)
  for (const strategy of STRATEGIES) {
    const isHalf = seed === seeds.at(-1) && STRATEGIES.indexOf(strategy) >= STRATEGIES.length - 2
    const lines = linesOf(strategy, seed).slice(0, isHalf ? TRAIN_LINES / 2 : undefined)
    const own = join(folder, 'cells', `${strategy}-L${TRAIN_LENGTH}-4x128x4-seed${seed}-0000000000`)
    mkdirSync(own, { recursive: true })
    const { sweep: _, ...alone } = { ...run, config: { ...config, strategies: [strategy], seeds: [seed] }, seed }
    writeFileSync(join(own, 'results.jsonl'), [alone, ...lines].map(json).join(''))
    if (!isHalf) writeFileSync(join(own, 'end.json'), json({ end: 'finished' }))
    all.push(...lines.map(json))
  }
writeFileSync(join(folder, 'results.jsonl'), all.join(''))
console.log(`${folder}: ${seeds.length * STRATEGIES.length} cells, ${all.length.toLocaleString('en-US')} lines`)
