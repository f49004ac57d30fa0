import { isUtf8 } from 'node:buffer'

/**
 * The text of a file as UTF-8, without its byte order mark.
 *
 * @param say - receives a line about bytes that are no UTF-8: they are kept, since a token may be a byte
 * @throws Error, one line, for a file that is binary, or text in UTF-16 or UTF-32
 */
export function textOf(bytes: Uint8Array, file: string, say: (line: string) => void): Uint8Array {
  expectUtf8(bytes, file)
  expectNoZero(bytes, file)
  if (!isUtf8(bytes)) say(notAllUtf8(file))
  return bytes.subarray(markLength(bytes))
}

/** @throws Error, one line, for a start of a text in UTF-16 or UTF-32 */
export function expectUtf8(start: Uint8Array, file: string): void {
  const other = otherEncoding(start)
  if (other) throw new Error(`data: expected text in UTF-8, got ${file}, which is ${other}; save it as UTF-8`)
}

/**
 * @param at - where in the file the bytes are
 * @throws Error, one line, for bytes of a binary file
 */
export function expectNoZero(bytes: Uint8Array, file: string, at = 0): void {
  const zero = bytes.indexOf(0)
  if (zero >= 0) throw new Error(`data: expected text, got ${file}, which is binary (byte ${at + zero} is zero)`)
}

export const notAllUtf8 = (file: string): string =>
  `data: ${file} is not all UTF-8 (perhaps Latin-1): bytes stay as they are, but words read � there`

/** Bytes of a byte order mark. */
export const markLength = (start: Uint8Array): number => (startsWith(start, [0xef, 0xbb, 0xbf]) ? 3 : 0)

const startsWith = (bytes: Uint8Array, mark: readonly number[]) => mark.every((byte, i) => bytes[i] === byte)

/** The encoding of text that is in none of ASCII's family, recognized by its mark or by what its bytes are like. */
function otherEncoding(bytes: Uint8Array): string | undefined {
  if (startsWith(bytes, [0xff, 0xfe, 0, 0]) || startsWith(bytes, [0, 0, 0xfe, 0xff])) return 'UTF-32'
  if (startsWith(bytes, [0xff, 0xfe])) return 'UTF-16 (little-endian)'
  if (startsWith(bytes, [0xfe, 0xff])) return 'UTF-16 (big-endian)'
  if (bytes.length % 2) return undefined
  if (isUtf16('utf-16le', bytes)) return 'UTF-16 (little-endian, without its mark)'
  return isUtf16('utf-16be', bytes) ? 'UTF-16 (big-endian, without its mark)' : undefined
}

/** Bytes that are looked at from the start. */
export const ENOUGH = 65_536

/**
 * Whether pairs of bytes read as text and single ones do not: text in UTF-16 has zeros at one half of its places (Latin
 * letters, spaces, ends of lines), or few bytes that are letters of ASCII.
 */
function isUtf16(encoding: 'utf-16le' | 'utf-16be', bytes: Uint8Array): boolean {
  const start = bytes.subarray(0, ENOUGH)
  let [zeros, plain] = [0, 0]
  for (const byte of start) {
    if (byte === 0) zeros++
    if ((byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13) plain++
  }
  if (zeros === 0 && (isUtf8(bytes) || plain > 0.9 * start.length)) return false
  const text = new TextDecoder(encoding).decode(start)
  const readable = text.match(/[\p{L}\p{M}\p{N}\p{P}\p{Zs}\t\n\r]/gu)?.length ?? 0
  const common = text.match(
    /[\t\n\r -~\u00a0-\u024f\u0370-\u06ff\u0900-\u0dff\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]/g,
  )
  return !text.includes('\0') && readable > 0.9 * text.length && (common?.length ?? 0) > 0.9 * text.length
}
