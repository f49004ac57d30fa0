// A folder with the results of a big sweep, to try what reads results with: 2,000 cells of 250 lines by default.
//     node tooling/big-results.mjs <folder> [cells] [lines of a cell]
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder, cells = '2000', linesOfCell = '250'] = process.argv.slice(2)
if (!folder) throw new Error('big-results: expected a folder to write to, got none')

const STRATEGIES = ['alibi', 'sinusoidal', 'rotary', 't5-bias', 'none']
const TRAIN_LENGTHS = [64, 128, 256, 512]
const EVAL_LENGTHS = [64, 128, 256, 512, 1024]
const seeds = Array.from(
  { length: Math.ceil(Number(cells) / STRATEGIES.length / TRAIN_LENGTHS.length) },
  (_, i) => i + 1,
)
const steps = 10 * Number(linesOfCell)
const shape = { numLayers: 4, modelDim: 128, numHeads: 4 }
const config = {
  strategies: STRATEGIES,
  seeds,
  trainLength: 64,
  evalLengths: EVAL_LENGTHS,
  steps,
  batchSize: 8,
  ...shape,
}
const sweep = { plan: 'big', trainLengths: TRAIN_LENGTHS, sizes: [shape], tokensPerStep: 4096 }

/** @type {string[]} */
const lines = [JSON.stringify({ type: 'run', schemaVersion: 1, config, sweep, backend: 'none', device: 'made up' })]
for (const seed of seeds)
  for (const [s, strategy] of STRATEGIES.entries())
    for (const trainLength of TRAIN_LENGTHS) {
      const cell = { strategy, trainLength, seed, size: '4x128x4' }
      const lengths = EVAL_LENGTHS.filter((length) => length >= trainLength)
      for (let i = 1; i <= Number(linesOfCell) - lengths.length; i++) {
        const measured = { lossNats: 2 + 4 / i + 0.01 * s, tokensPerSecond: 30_000 + seed, elapsedSeconds: i / 7 }
        lines.push(JSON.stringify({ type: 'train', ...cell, step: 10 * i, ...measured, peakResidentBytes: 1e9 + seed }))
      }
      for (const evalLength of lengths) {
        const lossNats = 2 + 0.01 * s * Math.log2(evalLength / trainLength) + 0.001 * ((7 * seed) % 11)
        const reading = { evalLength, protocol: 'nonoverlapping', stride: evalLength, tokens: 4096 }
        const measured = {
          lossNats,
          perplexity: Math.exp(lossNats),
          bitsPerByte: lossNats / Math.LN2,
          tokensPerSecond: 50_000,
          peakBytes: 1e8,
        }
        lines.push(JSON.stringify({ type: 'eval', ...cell, ...reading, ...measured }))
      }
    }
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'results.jsonl'), `${lines.join('\n')}\n`)
console.log(`${lines.length} lines in ${join(folder, 'results.jsonl')}`)
