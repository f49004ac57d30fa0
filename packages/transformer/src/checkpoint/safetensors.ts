// The format of huggingface/safetensors: an 8-byte little-endian header length, a JSON header, raw data. Written here
// because no kept npm package writes it and it is two pages long.
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'

/** An array of a safetensors file. */
export interface NamedArray {
  /** Sizes of its axes. */
  readonly shape: readonly number[]
  /** Its values, row-major. */
  readonly data: Float32Array
}

interface Entry {
  readonly dtype: string
  /** Sizes of its axes. */
  readonly shape: readonly number[]
  /** Bytes after the header: from, and past the last. */
  readonly data_offsets: readonly [number, number]
}

/** @param metadata - strings for readers; transformers asks for `{ format: 'pt' }` */
export function encodeSafetensors(
  arrays: ReadonlyMap<string, NamedArray>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  let offset = 0
  const entries = [...arrays].map(([name, { shape, data }]) => {
    const from = offset
    offset += data.byteLength
    return [name, { dtype: 'F32', shape, data_offsets: [from, offset] }]
  })
  const json = JSON.stringify({ ...(metadata && { __metadata__: metadata }), ...Object.fromEntries(entries) })
  const header = new TextEncoder().encode(json + ' '.repeat((8 - (json.length % 8)) % 8))
  const bytes = new Uint8Array(8 + header.length + offset)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true)
  bytes.set(header, 8)
  let at = 8 + header.length
  for (const { data } of arrays.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return bytes
}

/** @throws Error, one line, for bytes that are not a safetensors file of float arrays */
export function decodeSafetensors(bytes: Uint8Array): Map<string, NamedArray> {
  const where = 'decodeSafetensors'
  const length = headerLength(where, bytes, bytes.length)
  const data = bytes.subarray(8 + length)
  return new Map(
    [...parseHeader(where, bytes.subarray(8, 8 + length), data.length)].map(([name, entry]) => [
      name,
      { shape: entry.shape, data: toFloat32(where, name, data.subarray(...entry.data_offsets), entry) },
    ]),
  )
}

/** A file whose arrays are read one at a time: it may be larger than what memory or one buffer holds. */
export interface SafetensorsFile {
  /** Sizes of its axes. */
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** @throws Error, one line, for an array that is not of F32, F16 or BF16 */
  read(name: string): Promise<Float32Array>
  close(): Promise<void>
}

/** @throws Error, one line, for a file that is missing or of another kind */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const where = `openSafetensors ${basename(path)}`
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const length = headerLength(where, await readAt(file, 0, Math.min(8, size)), size)
    const header = parseHeader(where, await readAt(file, 8, length), size - 8 - length)
    return {
      shapes: new Map([...header].map(([name, { shape }]) => [name, shape])),
      async read(name) {
        const [from, to] = header.get(name)!.data_offsets
        return toFloat32(where, name, await readAt(file, 8 + length + from, to - from), header.get(name)!)
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  // One read gives 2 GiB at most.
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, 2 ** 30), position + done)
    if (!bytesRead) throw new Error('safetensors: expected more bytes, got the end of the file; it is being changed')
    done += bytesRead
  }
  return bytes
}

function fail(where: string, what: string): never {
  throw new Error(`${where}: expected ${what}; the file is damaged or of another kind`)
}

function headerLength(where: string, start: Uint8Array, fileSize: number): number {
  if (fileSize < 8) fail(where, `at least 8 bytes, got ${fileSize}`)
  const length = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true))
  if (length > fileSize - 8) fail(where, `a header of ${length} bytes, got ${fileSize - 8} in all`)
  return length
}

function parseHeader(where: string, json: Uint8Array, dataLength: number): Map<string, Entry> {
  let parsed: Record<string, Entry>
  try {
    parsed = JSON.parse(new TextDecoder().decode(json))
  } catch {
    return fail(where, 'a JSON header, got other bytes')
  }
  const entries = new Map(Object.entries(parsed).filter(([name]) => name !== '__metadata__'))
  for (const [name, { data_offsets: [from, to] = [0, -1] }] of entries)
    if (!(from >= 0 && from <= to && to <= dataLength))
      fail(where, `${name} within ${dataLength} bytes of data, got ${from} to ${to}`)
  return entries
}

const BYTES: Record<string, number> = { F32: 4, F16: 2, BF16: 2 }

function toFloat32(where: string, name: string, bytes: Uint8Array, { dtype, shape }: Entry): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1)
  const width = BYTES[dtype]
  if (!width)
    throw new Error(
      `${where}: expected ${name} of F32, F16 or BF16, got ${dtype}; quantised weights are not read, take those they were made from`,
    )
  if (bytes.length !== width * size) fail(where, `${width * size} bytes of ${name}, got ${bytes.length}`)
  // A copy of its own, aligned: the slice of a Buffer would share the file's bytes.
  const { buffer } = new Uint8Array(bytes)
  if (dtype === 'F32') return new Float32Array(buffer)
  const halves = new Uint16Array(buffer)
  if (dtype === 'BF16') return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer)
  return Float32Array.from(halves, halfToNumber)
}

/** IEEE 754 binary16. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const [exponent, fraction] = [(half >> 10) & 31, half & 1023]
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
