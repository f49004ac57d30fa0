// The format of huggingface/safetensors: an 8-byte little-endian header length, a JSON header, raw data. Written here
// because no kept npm package writes it and it is a page long.

export interface NamedArray {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

export function encodeSafetensors(arrays: ReadonlyMap<string, NamedArray>): Uint8Array {
  let offset = 0
  const entries = [...arrays].map(([name, { shape, data }]) => {
    const from = offset
    offset += data.byteLength
    return [name, { dtype: 'F32', shape, data_offsets: [from, offset] }]
  })
  const json = JSON.stringify(Object.fromEntries(entries))
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

/** @throws Error, one line, for bytes that are not a float32 safetensors file */
export function decodeSafetensors(bytes: Uint8Array): Map<string, NamedArray> {
  const fail = (what: string): never => {
    throw new Error(`decodeSafetensors: expected ${what}; the file is damaged or of another kind`)
  }
  if (bytes.length < 8) fail('at least 8 bytes')
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  if (headerLength > bytes.length - 8) fail(`a header of ${headerLength} bytes, got ${bytes.length - 8} in all`)
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)))
  const data = bytes.slice(8 + headerLength)
  const arrays = new Map<string, NamedArray>()
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const { dtype, shape, data_offsets } = entry as { dtype: string; shape: number[]; data_offsets: [number, number] }
    if (dtype !== 'F32') fail(`float32 arrays (${name} is ${dtype})`)
    const [from, to] = data_offsets
    const size = shape.reduce((a, b) => a * b, 1)
    if (to > data.length || to - from !== 4 * size)
      fail(`${4 * size} bytes of ${name}, got ${Math.min(to, data.length) - from}`)
    arrays.set(name, { shape, data: new Float32Array(data.buffer, data.byteOffset + from, size) })
  }
  return arrays
}
