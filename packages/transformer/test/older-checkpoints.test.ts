// A checkpoint whose config is written as it was before blockSize left it and `biases` became `projectionBias`.
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alibi } from '@alibi/alibi'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, it } from 'vitest'
import { createModel, createTrainer } from '../src/index.js'
import { loadCheckpoint, readCheckpointInfo, saveCheckpoint } from '../src/node.js'
import { tiny, tokens } from './strategies.js'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const strategy = alibi({ numHeads: 2 })
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Writes the config in the older form, signed. */
async function makeOlder(folder: string): Promise<void> {
  const path = join(folder, 'checkpoint.json')
  const { config, sha256: hashes, ...others } = JSON.parse(await readFile(path, 'utf8'))
  const { projectionBias: biases, ...rest } = config
  const { 'checkpoint.json': _own, ...files } = hashes
  const older = { ...others, config: { ...rest, biases, blockSize: 64 }, sha256: files }
  const signed = { ...older, sha256: { ...files, 'checkpoint.json': sha256(JSON.stringify(older)) } }
  await writeFile(path, JSON.stringify(signed))
}

it.each([true, false])(
  'loads, and is written under the new names: projections with biases %s',
  async (projectionBias) => {
    const folder = await mkdtemp(join(tmpdir(), 'alibi-'))
    const at = join(folder, 'c')
    const trainer = createTrainer(createModel({ ...tiny, projectionBias }, strategy), {
      kind: 'adamw',
      learningRate: 1e-2,
    })
    await trainer.trainStep([tokens(7)])
    await saveCheckpoint(at, trainer)
    await makeOlder(at)
    const info = await readCheckpointInfo(at)
    expect(info.hashed).toBe(true)
    expect(info.config).toEqual(trainer.model.config)
    const { trainer: loaded } = await loadCheckpoint(at, strategy)
    expect(loaded.model.config).toEqual(trainer.model.config)
    expect(await loaded.trainStep([tokens(7, 3)])).toBe(await trainer.trainStep([tokens(7, 3)]))
    await saveCheckpoint(at, loaded)
    const written = JSON.parse(await readFile(join(at, 'checkpoint.json'), 'utf8')).config
    expect(written).toMatchObject({ projectionBias })
    for (const name of ['biases', 'blockSize']) expect(written).not.toHaveProperty(name)
    await rm(folder, { recursive: true })
  },
)
