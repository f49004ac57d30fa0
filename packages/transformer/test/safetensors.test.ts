import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from '../src/checkpoint/safetensors.js'
import { openSafetensors } from '../src/checkpoint/safetensors-file.js'

/** A file of one array `x`, from the bytes of its numbers. */
function file(dtype: string, shape: readonly number[], data: Uint8Array): Uint8Array {
  const json = Buffer.from(
    JSON.stringify({ __metadata__: { a: 'b' }, x: { dtype, shape, data_offsets: [0, data.length] } }),
  )
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json, data])
}

const halves = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer)
const dataOf = (bytes: Uint8Array) => [...decodeSafetensors(bytes).get('x')!.data]

it('reads halves of both kinds', () => {
  // From the tables of IEEE 754: 1, −2, 1/3 rounded, the least normal and the least subnormal number, −0, ∞, the largest.
  const half = file('F16', [8], halves(0x3c00, 0xc000, 0x3555, 0x0400, 0x0001, 0x8000, 0x7c00, 0x7bff))
  expect(dataOf(half)).toEqual([1, -2, 0.333251953125, 2 ** -14, 2 ** -24, -0, Number.POSITIVE_INFINITY, 65504])
  expect(dataOf(file('F16', [1], halves(0x7e00)))).toEqual([Number.NaN])
  const bfloat = file('BF16', [2, 2], halves(0x3f80, 0xc000, 0x3eab, 0x8000))
  expect(dataOf(bfloat)).toEqual([1, -2, 0.333984375, -0])
  expect(decodeSafetensors(bfloat).get('x')!.shape).toEqual([2, 2])
})

it('reads what it wrote, at once and array by array', async () => {
  const arrays = new Map([
    ['a', { shape: [2, 1], data: Float32Array.of(1, -2.5) }],
    ['ä', { shape: [], data: Float32Array.of(3) }],
    ['none', { shape: [0, 4], data: new Float32Array(0) }],
  ])
  const bytes = encodeSafetensors(arrays, { format: 'pt' })
  expect(decodeSafetensors(bytes)).toEqual(arrays)
  const folder = await mkdtemp(join(tmpdir(), 'alibi-'))
  await writeFile(join(folder, 'x'), bytes)
  const opened = await openSafetensors(join(folder, 'x'))
  for (const [name, { shape, data }] of arrays) {
    expect(opened.shapes.get(name)).toEqual(shape)
    expect(await opened.read(name)).toEqual(data)
  }
  await opened.close()
  await rm(folder, { recursive: true })
})

it('reads large arrays some rows at a time', async () => {
  const [rows, columns] = [300, 5000]
  const data = Float32Array.from({ length: rows * columns }, (_, i) => i % 8191)
  const folder = await mkdtemp(join(tmpdir(), 'alibi-'))
  await writeFile(join(folder, 'x'), encodeSafetensors(new Map([['a', { shape: [rows, columns], data }]])))
  const opened = await openSafetensors(join(folder, 'x'))
  const pieces: Float32Array[] = []
  for await (const piece of opened.pieces('a', columns)) pieces.push(piece)
  expect(pieces.map(({ length }) => length)).toEqual([209 * columns, 91 * columns])
  expect(Float32Array.from(pieces.flatMap((piece) => [...piece]))).toEqual(data)
  expect(await opened.read('a')).toEqual(data)
  await opened.close()
  await rm(folder, { recursive: true })
})

it('refuses other files in one line', () => {
  const four = Uint8Array.of(0, 0, 0, 0)
  expect(() => decodeSafetensors(Uint8Array.of(1))).toThrow('expected at least 8 bytes, got 1')
  expect(() => decodeSafetensors(file('F32', [2], four))).toThrow('expected 8 bytes of x, got 4')
  expect(() => decodeSafetensors(file('F32', [1], four).subarray(0, -1))).toThrow(
    'x within 3 bytes of data, got 0 to 4',
  )
  expect(() => decodeSafetensors(file('U8', [4], four))).toThrow('expected x of F64, F32, F16, BF16, got U8')
  expect(() => decodeSafetensors(Buffer.from('{"not": "one"}  '))).toThrow('expected a header of')
  expect(() => decodeSafetensors(Buffer.concat([halves(2, 0, 0, 0), Buffer.from('no')]))).toThrow('a JSON header')
})
