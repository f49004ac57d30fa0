import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { arraysOf, isTensor, openTorch, openTorchArrays, type PickleValue, saveTorch, tensor } from '../src/index.js'
import golden from './golden/values.json' with { type: 'json' }
import { torchZip } from './zip.js'

const file = (name: string) => new URL(`golden/${name}`, import.meta.url).pathname
const get = (value: PickleValue, key: string) => (value as Map<string, PickleValue>).get(key)!

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torch-checkpoint-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe.each([2, 3, 4, 5])('a file of torch.save in protocol %i', (protocol) => {
  it('has the numbers that torch has, of every kind and every view', async () => {
    const torch = await openTorch(file(`protocol${protocol}.pt`))
    const tensors = get(torch.value, 'tensors') as Map<string, PickleValue>
    expect([...tensors.keys()]).toEqual(Object.keys(golden.shapes))
    for (const [name, value] of tensors) {
      if (!isTensor(value)) throw new Error(`${name} is no tensor`)
      expect(value.shape, name).toEqual(golden.shapes[name as keyof typeof golden.shapes])
      const want = golden.numbers[name as keyof typeof golden.numbers] as unknown[]
      const got = await torch.read(value)
      const plain = (each: unknown) => (typeof each === 'boolean' || typeof each === 'string' ? Number(each) : each)
      const exact = got instanceof BigInt64Array ? [...got].map(String) : [...got]
      if (got instanceof Float32Array) expect(got, name).toEqual(Float32Array.from(want.map(plain) as number[]))
      else if (got instanceof Float64Array)
        for (const [i, x] of got.entries()) expect(x / (want[i] as number)).toBeCloseTo(1, 10)
      else expect(exact, name).toEqual(got instanceof BigInt64Array ? want : want.map(plain))
    }
    await torch.close()
  })

  it('shares storages, keeps plain values, and names what it does not know without running it', async () => {
    const torch = await openTorch(file(`protocol${protocol}.pt`))
    const [plain, rows] = ['plain', 'rows'].map((name) => get(get(torch.value, 'tensors'), name))
    expect(isTensor(plain) && isTensor(rows) && plain.storage.key === rows.storage.key).toBe(true)
    const args = get(torch.value, 'args')
    expect(args).toMatchObject({ kind: 'unread', name: 'argparse.Namespace' })
    const state = (args as { state: Map<string, PickleValue> }).state
    expect([...state]).toEqual([
      ['layers', 3],
      ['name', 'tiny'],
      ['nested', [1, [2.5, null]]],
      ['big', 2n ** 70n],
    ])
    expect(get(torch.value, 'itself')).toBe(torch.value)
    expect(torch.unread).toContain('argparse.Namespace')
    expect(torch.unread.some((name) => name.includes('numpy'))).toBe(true)
    await torch.close()
  })
})

describe('arrays of a state dict', () => {
  it('are floats by name, float64 rounded', async () => {
    const torch = await openTorch(file('protocol2.pt'))
    const arrays = arraysOf(torch, get(torch.value, 'tensors'))
    expect(arrays.shapes.get('columns')).toEqual([4, 3])
    expect(await arrays.read('float64')).toEqual(Float32Array.of(Math.PI, Number.NEGATIVE_INFINITY))
    await expect(arrays.read('int64')).rejects.toThrow('expected "int64" of floats, got a tensor of int64 [2]')
    await expect(arrays.read('none')).rejects.toThrow('expected a tensor "none", got nothing')
    await arrays.close()
    expect(() => arraysOf(torch, 'x')).toThrow('expected a dictionary of tensors, got "x"')
  })

  it('are read from a file that is one', async () => {
    const path = join(folder, 'pytorch_model.bin')
    const weight = tensor([2], () => Float32Array.of(1, 2))
    await saveTorch(path, new Map([['weight', weight]]))
    const arrays = await openTorchArrays(path)
    expect(await arrays.read('weight')).toEqual(Float32Array.of(1, 2))
    await arrays.close()
    await saveTorch(path, 3)
    await expect(openTorchArrays(path)).rejects.toThrow('expected a state dict in pytorch_model.bin, got 3')
  })
})

describe('archives', () => {
  it('are read beyond 4 GB, in zip64', async () => {
    const path = join(folder, 'written.pt')
    await saveTorch(path, { x: tensor([3], () => Float32Array.of(1, 2, 3)) })
    const written = await readFile(path)
    const start = written.indexOf('written/data.pkl') + 'written/data.pkl'.length
    const data = written.subarray(start, written.indexOf('PK', start))
    const bytes = await torchZip(data, { 0: Buffer.from(Float32Array.of(4, 5, 6).buffer) }, { forceZip64Format: true })
    const far = join(folder, 'far.pt')
    await writeFar(far, bytes, 2 ** 32)
    const torch = await openTorch(far)
    const x = get(torch.value, 'x')
    expect(isTensor(x) && (await torch.read(x))).toEqual(Float32Array.of(4, 5, 6))
    await torch.close()
  })

  it.each([
    [
      'legacy.pt',
      'a zip archive as torch.save writes it since 1.6, got a file of torch before 1.6; load it with torch',
    ],
    ['script.pt', 'weights, got a program of TorchScript; save its state_dict() with torch.save'],
    ['values.json', 'a zip archive as torch.save writes it since 1.6, got other bytes'],
    ['none.pt', 'a file, got ENOENT'],
  ])('of another kind are refused by name: %s', async (name, message) => {
    await expect(openTorch(file(name))).rejects.toThrow(`openTorch: expected ${message}`)
  })

  it('that are cut off, changed or compressed are refused', async () => {
    const path = join(folder, 'written.pt')
    const numbers = Float32Array.of(1.5, 2.5, 3.5)
    await saveTorch(path, { x: tensor([3], () => numbers) })
    const bytes = await readFile(path)
    const at = join(folder, 'damaged.pt')
    await writeFile(at, bytes.subarray(0, -30))
    await expect(openTorch(at)).rejects.toThrow('expected a zip archive, got a damaged or cut off one')

    const changed = Buffer.from(bytes)
    changed[changed.indexOf(Buffer.from(numbers.buffer))]! ^= 1
    await writeFile(at, changed)
    const torch = await openTorch(at)
    const x = get(torch.value, 'x')
    await expect(isTensor(x) && torch.read(x)).rejects.toThrow('expected "written/data/0" as it was written, got other')
    await torch.close()

    await writeFile(at, await torchZip(Buffer.from('\x80\x02}.', 'latin1'), {}, { compress: true }))
    await expect(openTorch(at)).rejects.toThrow('"a/data.pkl" stored as it is, got it compressed')
  })
})

/** The archive with all its bytes moved by `shift`, a hole in the file: what a zip64 archive beyond 4 GB looks like. */
async function writeFar(path: string, archive: Buffer, shift: number): Promise<void> {
  const bytes = Buffer.from(archive)
  const add = (at: number) => bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + BigInt(shift), at)
  const endOfDirectory = bytes.lastIndexOf(Buffer.from('PK\x06\x06'))
  const directory = Number(bytes.readBigUInt64LE(endOfDirectory + 48))
  for (let at = directory; at < endOfDirectory; ) {
    const [nameLength, extraLength] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30)]
    // The zip64 field: id, size, both sizes, offset.
    const zip64 = bytes.indexOf(Buffer.from([1, 0, 24, 0]), at + 46 + nameLength)
    add(zip64 + 4 + 16)
    at += 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32)
  }
  add(endOfDirectory + 48)
  add(bytes.lastIndexOf(Buffer.from('PK\x06\x07')) + 8)
  const file = await open(path, 'w')
  await file.write(Buffer.from('PK\x03\x04'), 0, 4, 0)
  await file.write(bytes, 0, bytes.length, shift)
  await file.close()
}
