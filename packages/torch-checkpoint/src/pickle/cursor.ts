import { Buffer } from 'node:buffer'

/** Bytes read from front to back; lengths are checked before anything is allocated. */
export interface Cursor {
  readonly at: number
  byte(): number
  /** Little-endian, 2 or 4 bytes. */
  unsigned(width: 2 | 4): number
  signed(): number
  /** 8 bytes little-endian, of a length. */
  length8(): number
  /** 8 bytes big-endian. */
  float(): number
  bytes(length: number): Uint8Array
  /** UTF-8. */
  text(length: number): string
  /** Up to a newline. */
  line(): string
  /** Two's complement, little-endian. */
  integer(length: number): number | bigint
}

/** Bytes of a whole number at most: far beyond any count, below what takes time to convert. */
const LONGEST_INTEGER = 256

/** @throws Error from every reader that would go past the end */
export function createCursor(source: Uint8Array): Cursor {
  const buffer = Buffer.from(source.buffer, source.byteOffset, source.byteLength)
  let at = 0
  const take = (length: number) => {
    if (!(length <= buffer.length - at))
      throw new Error(`${length} more bytes of the pickle, got ${buffer.length - at}; the file is damaged or cut off`)
    at += length
    return at - length
  }
  const text = (length: number) => {
    const from = take(length)
    return buffer.toString('utf8', from, from + length)
  }
  return {
    get at() {
      return at
    },
    byte: () => buffer[take(1)]!,
    unsigned: (width) => buffer.readUIntLE(take(width), width),
    signed: () => buffer.readInt32LE(take(4)),
    length8: () => Number(buffer.readBigUInt64LE(take(8))),
    float: () => buffer.readDoubleBE(take(8)),
    bytes: (length) => buffer.subarray(take(length), at),
    text,
    line() {
      const end = buffer.indexOf(10, at)
      const line = text(Math.max(0, (end < 0 ? buffer.length : end) - at))
      take(1)
      return line
    },
    integer(length) {
      if (length > LONGEST_INTEGER)
        throw new Error(`whole numbers of at most ${LONGEST_INTEGER} bytes, got one of ${length}`)
      const digits = Buffer.from(buffer.subarray(take(length), at))
        .reverse()
        .toString('hex')
      const value = digits ? BigInt.asIntN(8 * length, BigInt(`0x${digits}`)) : 0n
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    },
  }
}
