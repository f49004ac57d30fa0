// Compares each folder that families.py wrote with what we compute of it: at once, from a cache and left-padded. Saves each
// again beside it, for families.py to check. Needs a build: node tooling/golden/compare-families.mjs folder
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { selectBackend } from '@alibi/backend'
import { loadHuggingFace, saveHuggingFace } from '@alibi/huggingface'
import { createKvCache } from '@alibi/transformer'

const root = process.argv[2]
if (root === undefined) throw new Error('compare-families: expected a folder that families.py wrote, got none')
await selectBackend('cpu')

/** @type {Map<string, { count: number, largest: number, saved: number }>} */
const families = new Map()

for (const name of readdirSync(root).sort()) {
  const folder = join(root, name)
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
  const family = families.get(name.split('-')[0] ?? '') ?? { count: 0, largest: 0, saved: 0 }
  families.set(name.split('-')[0] ?? '', family)
  try {
    const { model, family: kind, trainLength } = await loadHuggingFace(folder)
    const largest = await difference(model, expected)
    rmSync(join(folder, 'saved'), { recursive: true, force: true })
    await saveHuggingFace(join(folder, 'saved'), model, { family: kind, trainLength })
    const again = await loadHuggingFace(join(folder, 'saved'))
    const saved = await difference(again.model, expected)
    if (!(Math.max(largest, saved) <= 1e-4)) console.log(`${name}: largest difference ${largest}, saved ${saved}`)
    family.count += 1
    family.largest = Math.max(family.largest, largest)
    family.saved = Math.max(family.saved, saved)
    model.dispose()
    again.model.dispose()
  } catch (error) {
    console.log(`${name}: ${error instanceof Error ? error.stack : error}`)
    process.exitCode = 1
  }
}

for (const [family, { count, largest, saved }] of families) {
  if (!(Math.max(largest, saved) <= 1e-4)) process.exitCode = 1
  console.log(
    `${family}: ${count} models, largest difference ${largest.toExponential(1)}, saved and read ${saved.toExponential(1)}`,
  )
}

/**
 * @param {import('@alibi/transformer').Model} model
 * @param {{ tokens: number[], prefill: number, logits: number[][] }} expected
 */
async function difference(model, { tokens, prefill, logits }) {
  const ids = Int32Array.from(tokens)
  const all = [await of(model, [ids]), await fromCache(model, ids, prefill)]
  const rows = [Int32Array.of(...ids, 1, 2, 3), Int32Array.of(0, 0, 0, ...ids)]
  const batch = await of(model, rows, { padding: Int32Array.of(0, 3) })
  const vocabulary = model.config.vocabularySize
  return Math.max(
    ...all.map((each) => largestOf(each, logits)),
    largestOf(batch.subarray((ids.length + 6) * vocabulary), logits),
  )
}

/**
 * @param {import('@alibi/transformer').Model} model
 * @param {readonly Int32Array[]} rows
 * @param {import('@alibi/transformer').ForwardOptions} [options]
 */
async function of(model, rows, options) {
  const hidden = model.forward(rows, options)
  const logits = model.logits(hidden)
  const data = /** @type {Float32Array} */ (await logits.data())
  hidden.dispose()
  logits.dispose()
  return data
}

/** @param {import('@alibi/transformer').Model} model @param {Int32Array} ids @param {number} prefill */
async function fromCache(model, ids, prefill) {
  const cache = createKvCache()
  const pieces = [ids.subarray(0, prefill), ...Array.from(ids.subarray(prefill), (id) => Int32Array.of(id))]
  /** @type {number[]} */
  const data = []
  for (const piece of pieces) data.push(...(await of(model, [piece], { cache })))
  cache.dispose()
  return data
}

/** @param {ArrayLike<number>} ours @param {number[][]} theirs */
function largestOf(ours, theirs) {
  const flat = theirs.flat()
  if (flat.length !== ours.length) return Number.NaN
  return flat.reduce((most, value, i) => Math.max(most, Math.abs(value - (ours[i] ?? Number.NaN))), 0)
}
