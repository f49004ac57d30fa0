/** Bits of each number type that safetensors files can have. */
export const BITS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    4: ['F4'],
    6: ['F6_E2M3', 'F6_E3M2'],
    8: ['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'],
    16: ['I16', 'U16', 'F16', 'BF16'],
    32: ['I32', 'U32', 'F32'],
    64: ['I64', 'U64', 'F64', 'C64'],
  }).flatMap(([bits, names]) => names.map((name) => [name, Number(bits)] as const)),
)

/** How each type that is read becomes float32; the bytes are little-endian and begin a buffer of their own. */
const READERS: ReadonlyMap<string, (buffer: ArrayBuffer) => Float32Array> = new Map<
  string,
  (buffer: ArrayBuffer) => Float32Array
>([
  ['F64', (buffer) => new Float32Array(new Float64Array(buffer))],
  ['F32', (buffer) => new Float32Array(buffer)],
  ['F16', fromHalves],
  ['BF16', fromBrainHalves],
])

/** The number types whose arrays are read: as float32, rounded to the nearest. */
export const readableDtypes: readonly string[] = [...READERS.keys()]

/**
 * @param dtype - one of {@link readableDtypes}
 * @param bytes - those of a whole buffer may become the result's
 */
export function toFloat32(dtype: string, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  // A part of a buffer needs a copy of its own: it may not be aligned, and would keep the rest alive.
  const isWhole = bytes.byteLength === bytes.buffer.byteLength
  return READERS.get(dtype)!(isWhole ? bytes.buffer : new Uint8Array(bytes).buffer)
}

// Loops: `from` with a function takes twenty times as long, and models have a billion numbers.

function fromHalves(buffer: ArrayBuffer): Float32Array {
  const halves = new Uint16Array(buffer)
  const numbers = new Float32Array(halves.length)
  table ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => halfToNumber(half))
  for (let i = 0; i < halves.length; i++) numbers[i] = table[halves[i]!]!
  return numbers
}

/** The number of each half. */
let table: Float32Array | undefined

function fromBrainHalves(buffer: ArrayBuffer): Float32Array {
  const halves = new Uint16Array(buffer)
  const bits = new Uint32Array(halves.length)
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
  return new Float32Array(bits.buffer)
}

/** IEEE 754 binary16. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
