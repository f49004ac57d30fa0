// The format of huggingface/safetensors: an 8-byte little-endian header length, a JSON header, raw data. Written here
// because no kept npm package writes it and it is three pages long.
import { readableDtypes, toFloat32 } from './dtypes.js'
import { type Entry, headerLength, parseHeader } from './safetensors-header.js'

/** An array of a safetensors file. */
export interface NamedArray {
  /** Sizes of its axes. */
  readonly shape: readonly number[]
  /** Its values, row-major. */
  readonly data: Float32Array
}

/**
 * The bytes of a safetensors file with these arrays, as float32.
 *
 * @param metadata - strings for readers; transformers asks for `{ format: 'pt' }`
 */
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
  const text = new TextEncoder().encode(json)
  const header = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20)
  header.set(text)
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

/**
 * @param file - its name, for messages
 * @throws Error, one line, for bytes that are not a safetensors file of float arrays
 */
export function decodeSafetensors(bytes: Uint8Array, file = ''): Map<string, NamedArray> {
  const where = `decodeSafetensors ${file}`.trim()
  const length = headerLength(where, bytes, bytes.length)
  const data = bytes.subarray(8 + length)
  return new Map(
    [...parseHeader(where, bytes.subarray(8, 8 + length), data.length)].map(([name, entry]) => [
      name,
      { shape: entry.shape, data: floats(where, name, entry, data.subarray(...entry.data_offsets)) },
    ]),
  )
}

/** The numbers of an array as float32. */
export function floats(where: string, name: string, entry: Entry, bytes: Uint8Array): Float32Array {
  checkReadable(where, name, entry)
  return toFloat32(entry.dtype, bytes as Uint8Array<ArrayBuffer>)
}

/** @throws Error, one line, for an array whose numbers are not read */
export function checkReadable(where: string, name: string, { dtype }: Entry): void {
  if (!readableDtypes.includes(dtype))
    throw new Error(
      `${where}: expected ${name} of ${readableDtypes.join(', ')}, got ${dtype}; quantised weights are not read, take those they were made from`,
    )
}
