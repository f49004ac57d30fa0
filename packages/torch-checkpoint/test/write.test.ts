import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isTensor, openTorch, type PickleValue, saveTorch, tensor } from '../src/index.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torch-checkpoint-'))
})
afterAll(() => rm(folder, { recursive: true }))

const shared = tensor([2, 3], () => Float32Array.of(1, 2, 3, 4, 5, 6))
const value = {
  args: null,
  list: [1, -2, 2.5, true, false, 'ü\n', 2 ** 40],
  model: new Map([
    ['a', shared],
    ['b', shared],
    ['scalar', tensor([], () => Float32Array.of(7))],
    ['empty', tensor([0, 2], () => new Float32Array(0))],
  ]),
}

it('writes what it reads, and tensors that share a storage once', async () => {
  const path = join(folder, 'x.pt')
  await saveTorch(path, value)
  const file = await openTorch(path)
  const root = file.value as Map<string, PickleValue>
  expect(root.get('args')).toBe(null)
  expect(root.get('list')).toEqual(value.list)
  const model = root.get('model') as Map<string, PickleValue>
  expect([...model.keys()]).toEqual([...value.model.keys()])
  for (const [name, { tensor }] of value.model) {
    const read = model.get(name)
    if (!isTensor(read)) throw new Error(`${name} is no tensor`)
    expect(read.shape).toEqual(tensor.shape)
    expect(await file.read(read)).toEqual(await tensor.data())
  }
  const storages = [...model.values()].map((each) => isTensor(each) && each.storage.key)
  expect(storages).toEqual(['0', '0', '1', '2'])
  await file.close()
})

it('writes what torch 2.13 was seen to load: the same bytes', async () => {
  // torch.load, also with mmap and weights_only, gave these values; the digest is of the file that it read.
  const path = join(folder, 'archive.pt')
  await saveTorch(path, value)
  const digest = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  expect(digest).toBe('01fc1a48a8ebc8747f81f56b981a9cbada7e05a1d4b463e1e241c1b3b4938793')
})

it('leaves the earlier file where it fails', async () => {
  const path = join(folder, 'kept.pt')
  await writeFile(path, 'earlier')
  const failing = tensor([2], () => {
    throw new Error('no numbers')
  })
  await expect(saveTorch(path, { failing })).rejects.toThrow('no numbers')
  await expect(saveTorch(path, { short: tensor([2], () => new Float32Array(3)) })).rejects.toThrow(
    'saveTorch: expected 2 numbers for a tensor of [2], got 3',
  )
  expect(await readFile(path, 'utf8')).toBe('earlier')
  expect(await readdir(folder)).not.toContain('kept.pt.partial')
})
