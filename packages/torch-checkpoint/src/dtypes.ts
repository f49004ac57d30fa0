import type { Dtype } from './pickle/values.js'

/** Numbers of a tensor as JavaScript has them. */
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array

interface Kind {
  /** Bytes of a number. */
  readonly width: number
  /** Room for so many. */
  readonly allocate: (count: number) => TensorData
  /** The numbers of little-endian bytes, which begin at a multiple of their width. */
  readonly decode: (bytes: Uint8Array) => TensorData
}

type View<T> = new (buffer: ArrayBufferLike, offset: number, length: number) => T

const plain = <T extends TensorData>(
  type: View<T> & { new (count: number): T; readonly BYTES_PER_ELEMENT: number },
): Kind => ({
  width: type.BYTES_PER_ELEMENT,
  allocate: (count) => new type(count),
  decode: ({ buffer, byteOffset, byteLength }) => new type(buffer, byteOffset, byteLength / type.BYTES_PER_ELEMENT),
})

const halves = (decode: (halves: Uint16Array) => Float32Array): Kind => ({
  width: 2,
  allocate: (count) => new Float32Array(count),
  decode: ({ buffer, byteOffset, byteLength }) => decode(new Uint16Array(buffer, byteOffset, byteLength / 2)),
})

/** How each kind of number is stored; numbers of 16 bits become float32, exactly. */
export const dtypes: Readonly<Record<Dtype, Kind>> = {
  float16: halves((bits) => Float32Array.from(bits, (half) => halfValues()[half]!)),
  bfloat16: halves((bits) => new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer)),
  float32: plain(Float32Array),
  float64: plain(Float64Array),
  int8: plain(Int8Array),
  uint8: plain(Uint8Array),
  bool: plain(Uint8Array),
  int16: plain(Int16Array),
  int32: plain(Int32Array),
  int64: plain(BigInt64Array),
}

/** torch's names of storages, and of dtypes in newer files. */
export const dtypeOf: ReadonlyMap<string, Dtype> = new Map([
  ['torch.HalfStorage', 'float16'],
  ['torch.BFloat16Storage', 'bfloat16'],
  ['torch.FloatStorage', 'float32'],
  ['torch.DoubleStorage', 'float64'],
  ['torch.CharStorage', 'int8'],
  ['torch.ByteStorage', 'uint8'],
  ['torch.BoolStorage', 'bool'],
  ['torch.ShortStorage', 'int16'],
  ['torch.IntStorage', 'int32'],
  ['torch.LongStorage', 'int64'],
])

let values: Float32Array | undefined

/** All 65,536 numbers of IEEE 754 binary16 by their bits. */
function halfValues(): Float32Array {
  values ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023]
    if (exponent === 0) return sign * fraction * 2 ** -24
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  })
  return values
}
