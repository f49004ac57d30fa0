import { Buffer } from 'node:buffer'

/** What {@link pickle} writes: maps become OrderedDicts, objects dictionaries, arrays lists, whole numbers ints. */
export type Writable<T> =
  | null
  | boolean
  | number
  | string
  | readonly Writable<T>[]
  | ReadonlyMap<string, Writable<T>>
  | { readonly [key: string]: Writable<T> }
  | { readonly kind: 'tensor'; readonly tensor: T }

/** What a tensor is rebuilt from. */
export interface TensorRecord {
  readonly shape: readonly number[]
  /** The key of its storage. */
  readonly key: string
}

/**
 * A pickle of protocol 2, as torch.save writes them, with contiguous float32 tensors.
 *
 * @param record - called with each tensor in its order
 */
export function pickle<T>(value: Writable<T>, record: (tensor: T) => TensorRecord): Uint8Array {
  return Buffer.concat([bytes(0x80, 2), ...encode(value, record), bytes(0x2e)])
}

const bytes = (...values: number[]) => Buffer.from(values)
const [MARK, SETITEMS, APPENDS, REDUCE, PERSISTENT] = [0x28, 0x75, 0x65, 0x52, 0x51].map((opcode) => bytes(opcode))

function* encode<T>(value: Writable<T>, record: (tensor: T) => TensorRecord): Generator<Buffer> {
  if (value === null) yield bytes(0x4e)
  else if (typeof value === 'boolean') yield bytes(value ? 0x88 : 0x89)
  else if (typeof value === 'number') yield number(value)
  else if (typeof value === 'string') yield string(value)
  else if (Array.isArray(value)) {
    yield bytes(0x5d)
    yield MARK!
    for (const item of value) yield* encode(item, record)
    yield APPENDS!
  } else if (isTensorOf<T>(value)) yield* tensor(record(value.tensor))
  else {
    yield* value instanceof Map ? orderedDict() : [bytes(0x7d)]
    yield MARK!
    for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
      yield string(key)
      yield* encode(item as Writable<T>, record)
    }
    yield SETITEMS!
  }
}

const isTensorOf = <T>(value: object): value is { readonly kind: 'tensor'; readonly tensor: T } =>
  'kind' in value && value.kind === 'tensor'

function number(value: number): Buffer {
  const isInt = Number.isInteger(value) && Math.abs(value) < 2 ** 31
  const out = Buffer.alloc(isInt ? 5 : 9)
  out[0] = isInt ? 0x4a : 0x47
  if (isInt) out.writeInt32LE(value, 1)
  else out.writeDoubleBE(value, 1)
  return out
}

/** Whole numbers of any size that a count may have. */
function count(value: number): Buffer {
  if (value < 2 ** 31) return number(value)
  const out = Buffer.alloc(10)
  out.set([0x8a, 8])
  out.writeBigInt64LE(BigInt(value), 2)
  return out
}

function string(text: string): Buffer {
  const encoded = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(encoded.length)
  return Buffer.concat([bytes(0x58), length, encoded])
}

const global = (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`)
const tuple = (items: readonly Buffer[]) => [MARK!, ...items, bytes(0x74)]
const orderedDict = () => [global('collections', 'OrderedDict'), bytes(0x29), REDUCE!]

function tensor({ shape, key }: TensorRecord): Buffer[] {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  const size = shape.reduce((a, b) => a * b, 1)
  const storage = [string('storage'), global('torch', 'FloatStorage'), string(key), string('cpu'), count(size)]
  const id = [...tuple(storage), PERSISTENT!]
  const args = [
    ...id,
    count(0),
    ...tuple(shape.map(count)),
    ...tuple(strides.map(count)),
    bytes(0x89),
    ...orderedDict(),
  ]
  return [global('torch._utils', '_rebuild_tensor_v2'), ...tuple(args), REDUCE!]
}
