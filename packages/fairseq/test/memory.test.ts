import { open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { createModel } from '@alibi/transformer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadFairseq, saveFairseq } from '../src/index.js'
import { rewrite } from './rewrite.js'

// `pnpm bench eval` promises that a checkpoint of 1 GB needs its float32 weights and 300 MB more. A file of 43 MB shows why:
// beyond weights there are, at most, two arrays as large as the largest (a tied copy and what it is compared with) and two
// pieces of the file. Of the paper's models the largest array has 82 MB, so that makes 172 MB, and Node itself has 57.
const PIECE = 2 ** 22
const path = join(tmpdir(), `alibi-memory-${process.pid}.pt`)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
/**
 * Bytes in typed arrays that something still refers to. V8 frees arrays beside the program, some after a collection ends, so
 * it collects until two counts in a row are the same.
 */
async function bytesHeld(): Promise<number> {
  for (let last = Number.NaN; ; ) {
    collect()
    await setImmediate()
    const now = process.memoryUsage().arrayBuffers
    if (now === last) return now
    last = now
  }
}

beforeAll(async () => {
  // Its weights are typed arrays, so that they are counted.
  await selectBackend('cpu')
  const sizes = { vocabularySize: 24_000, adaptiveCutoffs: [16_000], numLayers: 2, modelDim: 256, numHeads: 4 }
  const model = createModel({ ...sizes, finalNorm: false }, alibi({ numHeads: 4 }))
  await saveFairseq(`${path}.once`, model, { trainLength: 64 })
  model.dispose()
  // As a GPU saves it: tied arrays twice, so that loading compares them.
  await rewrite(`${path}.once`, path, () => {})
})
afterAll(() => Promise.all([path, `${path}.once`].map((file) => rm(file, { force: true }))))

it('loading holds the weights, two arrays and two pieces of the file at most', async () => {
  const { size } = await stat(path)
  expect(size).toBeGreaterThan(40e6)
  const before = await bytesHeld()
  let most = 0
  let largestRead = 0
  const handle = await open(path)
  const prototype = Object.getPrototypeOf(handle)
  await handle.close()
  const read = prototype.read
  prototype.read = async function (...args: [buffer: Uint8Array, offset: number, length: number, position: number]) {
    const [, , length] = args
    largestRead = Math.max(largestRead, length)
    // Collecting takes a while: not for the pieces of small arrays.
    if (length === PIECE) most = Math.max(most, (await bytesHeld()) - before)
    return read.apply(this, args)
  }
  const { model } = await loadFairseq(path).finally(() => {
    prototype.read = read
  })
  const sizes = [...model.parameters.values()].map((variable) => 4 * variable.size)
  model.dispose()
  const weights = sizes.reduce((sum, bytes) => sum + bytes, 0)
  const largest = Math.max(...sizes)
  expect(largestRead).toBeLessThanOrEqual(PIECE)
  expect(most).toBeGreaterThan(weights)
  expect(most - weights).toBeLessThanOrEqual(2 * (largest + PIECE))
})
