import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@alibi/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTensor, openTorch, type PickleValue } from '../src/index.js'
import { torchZip } from './zip.js'

let path: string
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torch-checkpoint-'))
  path = join(folder, 'hostile.pt')
})
afterAll(() => rm(folder, { recursive: true }))

const latin = (text: string) => Buffer.from(text, 'latin1')
async function openPickle(pickle: Buffer) {
  await writeFile(path, await torchZip(pickle))
  const file = await openTorch(path)
  await file.close()
  return file
}
const text = (value: string) => {
  const bytes = Buffer.from(value)
  return Buffer.concat([latin('X'), Buffer.from(Uint32Array.of(bytes.length).buffer), bytes])
}
const times = (count: number, ...parts: string[]) => latin(`\x80\x02${parts[0]!.repeat(count)}${parts[1] ?? ''}`)

describe('code in a pickle', () => {
  it.each([
    ['os.system', latin('\x80\x02cos\nsystem\n(X\x0c\0\0\0touch /tmp/xtR.')],
    ['builtins.eval', latin('\x80\x04\x8c\x08builtins\x8c\x04eval\x93(\x8c\x031+1tR.')],
    ['subprocess.Popen', latin('\x80\x02csubprocess\nPopen\n)\x81.')],
    // What a call returns is called again.
    ['a.b', latin('\x80\x02ca\nb\n)R)R.')],
  ])('never runs, and is told by name: %s', async (name, pickle) => {
    const { value, unread } = await openPickle(pickle)
    expect(value).toMatchObject({ kind: 'unread', name })
    expect(unread).toEqual([name])
  })

  it('cannot put lines or codes of a terminal into messages', async () => {
    const name = `\x1b[31m\r\n\u2028${'x'.repeat(1000)}`
    const { unread } = await openPickle(Buffer.concat([latin('\x80\x04'), text(name), text('f'), latin('\x93)R.')]))
    expect(unread[0]).toMatch(/^[ -~…]*$/)
    expect(unread[0]!.length).toBeLessThan(150)
  })
})

describe('pickles that would exhaust memory or time', () => {
  it.each<[string, Buffer, string]>([
    ['no STOP', latin('\x80\x02}'), '1 more bytes of the pickle, got 0'],
    ['nothing', latin(''), 'a pickle of protocol 2 to 5, got other bytes'],
    ['protocol 9', latin('\x80\x09.'), 'protocol 2 to 5, got one of protocol 9'],
    ['protocol 0', latin("(dp0\nS'a'\n."), 'a pickle of protocol 2 to 5, got other bytes'],
    ['an unknown opcode', latin('\x80\x02\xff.'), 'opcodes of protocols 2 to 5, got 0xff at byte 2'],
    ['an extension', latin('\x80\x02\x82\x01.'), 'opcodes of protocols 2 to 5, got 0x82'],
    ['a string of 4 GB', latin('\x80\x02X\xff\xff\xff\xff.'), '4294967295 more bytes of the pickle, got 1'],
    ['bytes of 2⁶⁴', latin('\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\xff.'), '1 more bytes of the pickle'.slice(1)],
    ['a number of 4 GB', latin('\x80\x02\x8b\xff\xff\xff\xff.'), 'whole numbers of at most 256 bytes'],
    ['an empty stack', latin('\x80\x02.'), '1 values before byte 3'],
    ['values before a mark', latin('\x80\x02N(.'), '1 values before byte 5'],
    ['no mark', latin('\x80\x02t.'), 'a mark before byte 3'],
    ['no memo', latin('\x80\x02h\x07.'), 'memo entry 7 to be set'],
    ['a memo far away', latin('\x80\x02j\xff\xff\xff\xff.'), 'memo entry 4294967295 to be set'],
    ['a call of a number', latin('\x80\x02K\x01)R.'), 'a global to make an object with, got 1'],
    ['arguments that are none', latin('\x80\x02ca\nb\nNR.'), 'a tuple of arguments, got None'],
    ['a key without a value', latin('\x80\x02}(Nu.'), 'a value for each key'],
    ['an item of a number', latin('\x80\x02K\x01Na.'), 'a list or set to add to, got 1'],
    ['a state of a number', latin('\x80\x02K\x01Nb.'), 'an object that has a state, got 1'],
    ['a global without an end', latin('\x80\x02cos'), 'more bytes of the pickle'],
    ['a storage without a type', latin('\x80\x02NQ.'), 'the id of a storage, got None'],
    ['dictionaries', times(2 ** 21, '}', '.'), 'at most 1048576 objects in the pickle'],
    ['memos', latin(`\x80\x04N${'\x94'.repeat(2 ** 21 + 1)}.`), 'at most 2097152 memo entries'],
    ['a large pickle', times(2 ** 24, 'N', '.'), 'of at most 16777216 bytes, got 16777219'],
  ])('are refused in one line: %s', async (_kind, pickle, message) => {
    const error = await openPickle(pickle).catch((each: Error) => each)
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message).toMatch(/^openTorch: expected [^\n]{1,400}$/)
  })

  it('may be nested a million deep', async () => {
    const { value } = await openPickle(times(2 ** 20 - 10, '(', `${'l'.repeat(2 ** 20 - 10)}.`))
    expect(Array.isArray(value)).toBe(true)
  })

  it('may say the same list again and again without growing', async () => {
    // 2⁶⁰ leaves, were it copied.
    const twice = (i: number) => `(h${String.fromCharCode(i)}h${String.fromCharCode(i)}lq${String.fromCharCode(i + 1)}0`
    const bomb = Array.from({ length: 60 }, (_, i) => twice(i)).join('')
    const { value } = await openPickle(latin(`\x80\x02(lq\x000${bomb}h\x3c.`))
    expect(value).toHaveLength(2)
  })
})

describe('tensors', () => {
  const storage = (type: string, count: number) =>
    `((X\x07\0\0\0storagec${type.replace('.', '\n')}\nX\x01\0\0\x000X\x03\0\0\0cpuK${String.fromCharCode(count)}tQ`
  const rebuilt = (rest: string, type = 'torch.FloatStorage', count = 4) =>
    latin(`\x80\x02ctorch._utils\n_rebuild_tensor_v2\n${storage(type, count)}${rest}tR.`)

  it.each([
    ['beyond its storage', rebuilt('K\x00(K\x05t(K\x01t'), 'a tensor within its storage of 4, got one of 0 up to 5'],
    ['beyond it by its offset', rebuilt('K\x02(K\x03t(K\x01t'), 'within its storage of 4, got one of 2 up to 5'],
    ['of a negative size', rebuilt('K\x00(J\xff\xff\xff\xfft(K\x01t'), 'an offset, sizes and as many strides'],
    ['with too few strides', rebuilt('K\x00(K\x01t(t'), 'an offset, sizes and as many strides'],
    ['of half a number', rebuilt('K\x00(G?\xe0\0\0\0\0\0\0t(K\x01t'), 'an offset, sizes and as many strides'],
    [
      'of 65 axes',
      rebuilt(`K\x00(${'K\x01'.repeat(65)}t(${'K\x01'.repeat(65)}t`),
      'an offset, sizes and as many strides',
    ],
    [
      'without a storage',
      latin('\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NK\x00(t(ttR.'),
      'a storage for a tensor, got None',
    ],
  ])('are refused: %s', async (_kind, pickle, message) => {
    await expect(openPickle(pickle)).rejects.toThrow(message)
  })

  it('of numbers that are not known are kept by the name of their storage', async () => {
    const { value } = await openPickle(rebuilt('K\x00(K\x01t(K\x01t', 'torch.ComplexFloatStorage'))
    expect(value).toMatchObject({ kind: 'unread', name: 'torch.ComplexFloatStorage' })
  })

  it('whose storage is missing, short, or repeated too often are refused when they are read', async () => {
    const cases: [Buffer, Record<string, Uint8Array>, string][] = [
      [rebuilt('K\x00(K\x04t(K\x01t'), {}, '"a/data/0" in the archive, got none'],
      [rebuilt('K\x00(K\x04t(K\x01t'), { 0: new Uint8Array(15) }, '16 bytes in "a/data/0", got 15'],
      [
        rebuilt('K\x00(J\0\0\0\x40t(K\0t'),
        { 0: new Uint8Array(16) },
        'at most 16777216 repeated numbers, got a tensor of',
      ],
    ]
    for (const [pickle, storages, message] of cases) {
      await writeFile(path, await torchZip(pickle, storages))
      const file = await openTorch(path)
      await expect(isTensor(file.value) && file.read(file.value)).rejects.toThrow(message)
      await file.close()
    }
  })
})

it('opens or refuses 500 mutated files, in one line each', async () => {
  const seed = 2021
  console.log(`mutations of seed ${seed}`)
  const random = seededRandom(seed)
  const pick = (count: number) => Math.floor(random() * count)
  const original = await readFile(new URL('golden/protocol2.pt', import.meta.url))
  const from = original.indexOf(latin('\x80\x02}'))
  const pickle = original.subarray(from, original.indexOf(latin('PK'), from))
  const mutate = (bytes: Buffer) => {
    const out = Buffer.from(bytes)
    for (let i = 0; i <= pick(3); i++) {
      const at = pick(out.length)
      if (random() < 0.5) out[at] = pick(256)
      else out.copyWithin(at, pick(out.length), pick(out.length))
    }
    return random() < 0.1 ? out.subarray(0, pick(out.length)) : out
  }
  let refused = 0
  for (let i = 0; i < 500; i++) {
    // Half of them in the pickle of a sound archive, half anywhere in the file.
    await writeFile(path, i % 2 ? mutate(original) : await torchZip(mutate(pickle), { 0: new Uint8Array(96) }))
    try {
      const file = await openTorch(path)
      try {
        for (const tensor of tensorsIn(file.value)) await file.read(tensor)
      } finally {
        await file.close()
      }
    } catch (error) {
      refused++
      expect((error as Error).message).toMatch(/^openTorch: expected [ -~…]{1,500}$/)
    }
  }
  expect(refused).toBeGreaterThan(200)
  expect(refused).toBeLessThan(500)
})

function* tensorsIn(value: PickleValue, seen = new Set<PickleValue>()): Generator<import('../src/index.js').Tensor> {
  if (seen.has(value)) return
  seen.add(value)
  if (isTensor(value)) yield value
  else if (value instanceof Map) for (const each of value.values()) yield* tensorsIn(each, seen)
  else if (Array.isArray(value)) for (const each of value) yield* tensorsIn(each, seen)
}
