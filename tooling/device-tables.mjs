// What a step of the paper's two models is predicted to cost on 1 to 128 devices: the tables of docs/scale.md. Build first.
//     node tooling/device-tables.mjs
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './setup.mjs'

const built = (/** @type {string} */ path) => import(pathToFileURL(join(root, 'apps/bench/dist', path)).href)
const { devicesTable, LINKS, upTo } = await built('experiment/devices.js')
const { estimateRun } = await built('experiment/estimate.js')
const { resolveRunConfig } = await built('config/resolve.js')

// What a whole training step reached on a GPU, measured: its operations in the seconds that it took.
const { size, outcomes } = JSON.parse(readFileSync(join(root, 'docs/results/gpu-h200.json'), 'utf8')).training
const { batch, length, layers, dim, heads, vocabulary } = size
const measured = resolveRunConfig({
  ...{ batchSize: batch, trainLength: length, numLayers: layers, modelDim: dim, numHeads: heads },
  ...{ tokenizer: 'words', vocabularySize: vocabulary },
})
const seconds = outcomes[0].seconds.toSorted((/** @type {number} */ a, /** @type {number} */ b) => a - b)
const rate = estimateRun(measured).stepOperations / seconds[Math.floor(seconds.length / 2)]

console.log(
  `${(rate / 1e12).toFixed(1)} TFLOP/s: a training step of ${batch * length} tokens on an H200, measured through WebGPU`,
)
for (const preset of /** @type {const} */ (['paper-wt103', 'paper-1.3b'])) {
  const config = resolveRunConfig({ preset })
  console.log(`\n${preset}: ${(estimateRun(config).parameters / 1e6).toFixed(0)} million parameters\n`)
  console.log(devicesTable(config, upTo(128), { rate: () => rate, links: LINKS }).join('\n'))
}
