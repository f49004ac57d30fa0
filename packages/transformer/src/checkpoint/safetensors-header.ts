// The header of a safetensors file, held to all that the format asks of it: nothing of the file is believed before.
import { BITS } from './dtypes.js'

/** One array of the header. */
export interface Entry {
  readonly dtype: string
  /** Sizes of its axes. */
  readonly shape: readonly number[]
  /** Bytes after the header: from, and past the last. */
  readonly data_offsets: readonly [number, number]
}

/** The format's own bound. */
const MAX_HEADER = 100_000_000

/** @throws Error, one line, that names the file and says what is wrong with it */
function fail(where: string, what: string): never {
  throw new Error(`${where}: expected ${what}; the file is damaged or of another kind`)
}

/** @param start - the file's first bytes, 8 of them if it has as many */
export function headerLength(where: string, start: Uint8Array, fileSize: number): number {
  if (fileSize < 8) fail(where, `at least 8 bytes, got ${fileSize}`)
  const length = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true))
  if (length > fileSize - 8) fail(where, `a header of ${length} bytes, got ${fileSize - 8} in all`)
  if (length > MAX_HEADER) fail(where, `a header of at most ${MAX_HEADER} bytes, got ${length}`)
  return length
}

/**
 * The arrays by name.
 *
 * @param dataLength - bytes after the header
 * @throws Error, one line, for a header that breaks a rule of the format
 */
export function parseHeader(where: string, bytes: Uint8Array, dataLength: number): Map<string, Entry> {
  const text = new TextDecoder().decode(bytes)
  const parsed = parseJson(where, text)
  const twice = repeatedKey(text)
  if (twice !== undefined) fail(where, `each name once in the header, got ${JSON.stringify(twice)} again`)
  const entries = new Map<string, Entry>()
  for (const [name, value] of Object.entries(parsed))
    if (name === '__metadata__') checkMetadata(where, value)
    else entries.set(name, entryOf(where, name, value))
  checkOffsets(where, entries, dataLength)
  return entries
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value as a message shows it. */
const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 80) ?? 'none'

function parseJson(where: string, text: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return fail(where, 'a JSON header, got other bytes')
  }
  return isObject(parsed) ? parsed : fail(where, `a JSON object as header, got ${shown(parsed)}`)
}

/** The first key that the outermost object has twice: JSON.parse would silently keep the last one. */
function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>()
  let depth = 0
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (key === undefined) depth += token === '{' || token === '[' ? 1 : token === '}' || token === ']' ? -1 : 0
    else if (depth === 1) {
      const name: string = JSON.parse(key)
      if (seen.has(name)) return name
      seen.add(name)
    }
  }
}

function checkMetadata(where: string, value: unknown): void {
  if (!isObject(value) || Object.values(value).some((each) => typeof each !== 'string'))
    fail(where, `__metadata__ of strings, got ${shown(value)}`)
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function entryOf(where: string, name: string, value: unknown): Entry {
  if (!isObject(value)) return fail(where, `dtype, shape and data_offsets of ${name}, got ${shown(value)}`)
  const { dtype, shape, data_offsets: offsets } = value
  const bits = typeof dtype === 'string' ? BITS.get(dtype) : undefined
  if (typeof dtype !== 'string' || bits === undefined)
    return fail(where, `a dtype of ${name} that the format has, got ${shown(dtype)}`)
  if (!Array.isArray(shape) || !shape.every(isCount))
    return fail(where, `a shape of ${name} of whole numbers ≥ 0, got ${shown(shape)}`)
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    return fail(where, `data_offsets of ${name} of two whole numbers, got ${shown(offsets)}`)
  const [from, to] = offsets as unknown as readonly [number, number]
  const size = (shape.reduce((a, b) => a * b, 1) * bits) / 8
  if (size !== to - from) return fail(where, `${size} bytes of ${name}, got ${to - from}`)
  return { dtype, shape, data_offsets: [from, to] }
}

/** The data is all the arrays, one after another: nothing between, nothing twice, nothing after. */
function checkOffsets(where: string, entries: ReadonlyMap<string, Entry>, dataLength: number): void {
  const sorted = [...entries].sort(([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1])
  let end = 0
  for (const [name, { data_offsets: offsets }] of sorted) {
    const [from, to] = offsets
    if (to > dataLength) fail(where, `${name} within ${dataLength} bytes of data, got ${from} to ${to}`)
    if (from !== end) fail(where, `${name} to begin at byte ${end}, where the array before it ends, got ${from}`)
    end = to
  }
  if (end !== dataLength) fail(where, `${dataLength} bytes of data in the arrays, got ${end}`)
}
