// One bit of a checkpoint flips, in a copy or on a disk: it is told, or nothing that is read has changed. Every file has a hash
// of it; a folder of transformers has none, so there only headers can be told.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import { seededRandom } from '@alibi/core'
import { loadCheckpoint, readArrays, readCheckpointInfo } from '@alibi/transformer/node'
import { expect, it } from 'vitest'
import { copyOf } from './checkpoint-folders.js'

const seed = Number(process.env.ALIBI_BIT_FLIPS_SEED ?? 1)
const FLIPS = 150

/** All that going on from a checkpoint depends on. */
async function everythingOf(folder: string) {
  const { hashed: _, ...info } = await readCheckpointInfo(folder)
  const { trainer, metadata } = await loadCheckpoint(folder, alibi({ numHeads: 2 }))
  const { model, optimizer, step } = trainer
  const weights = await readArrays(model.parameters)
  const state = await readArrays(new Map(Object.entries(optimizer.state)))
  const { seed, microBatches } = trainer.options
  const everything = { info, metadata, step, seed, microBatches, optimizer: optimizer.config, weights, state }
  trainer.dispose()
  model.dispose()
  return everything
}

it.each(['checkpoint.json', 'weights.safetensors', 'optimizer.safetensors'])(`of %s, seed ${seed}`, async (name) => {
  const folder = await copyOf('checkpoint')
  const path = join(folder, name)
  const whole = await everythingOf(folder)
  const bytes = await readFile(path)
  const random = seededRandom(seed)
  let told = 0
  for (let i = 0; i < FLIPS; i++) {
    const bit = Math.floor(random() * bytes.length * 8)
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    await writeFile(path, flipped)
    const where = `${name}, bit ${bit & 7} of byte ${bit >> 3} (seed ${seed})`
    const read = await everythingOf(folder).catch((error: Error) => error)
    if (read instanceof Error) {
      told += 1
      expect(read.message, where).toMatch(/^loadCheckpoint: expected [^\n]+ got [^\n]+$/)
      expect(read.message, where).toContain(name)
    } else expect(read, where).toEqual(whole)
  }
  console.log(`${name}: ${told} of ${FLIPS} flipped bits told, the others change nothing; seed ${seed}`)
  await writeFile(path, bytes)
  expect(await everythingOf(folder)).toEqual(whole)
  // White space of checkpoint.json, or an E for an e, is all that may change unseen.
  expect(told).toBeGreaterThan(name === 'checkpoint.json' ? 0.9 * FLIPS : FLIPS - 1)
})
