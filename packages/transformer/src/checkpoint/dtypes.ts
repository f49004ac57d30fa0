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
  ['F64', (buffer) => Float32Array.from(new Float64Array(buffer))],
  ['F32', (buffer) => new Float32Array(buffer)],
  ['F16', (buffer) => Float32Array.from(new Uint16Array(buffer), halfToNumber)],
  ['BF16', (buffer) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer)],
])

/** The number types whose arrays are read: as float32, rounded to the nearest. */
export const readableDtypes: readonly string[] = [...READERS.keys()]

/** @param dtype - one of {@link readableDtypes} */
export function toFloat32(dtype: string, bytes: Uint8Array): Float32Array {
  // A copy of its own, aligned: the slice of a Buffer would share the file's bytes.
  return READERS.get(dtype)!(new Uint8Array(bytes).buffer)
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
