/** What a pickle holds: dictionaries are maps, tuples and lists are arrays. It may contain itself. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | Global
  | Unread
  | Storage
  | Tensor

/** A class or function of Python, by its name: it is never looked up, and never runs. */
export interface Global {
  /** Tells it from other values. */
  readonly kind: 'global'
  /** Module and name with a dot between them. */
  readonly name: string
}

/** An object of a class that is not known here: what it would be made from, as plain values. */
export interface Unread {
  /** Tells it from other values. */
  readonly kind: 'unread'
  /** Its class, or the function that Python would have called. */
  readonly name: string
  /** What Python would set its attributes from. */
  state: PickleValue | undefined
}

/** Numbers that tensors are views of. */
export interface Storage {
  /** Tells it from other values. */
  readonly kind: 'storage'
  /** What its numbers are stored as. */
  readonly dtype: Dtype
  /** Its name in the file. */
  readonly key: string
  /** Numbers in it. */
  readonly count: number
}

/** An array of numbers in a checkpoint, without the numbers. */
export interface Tensor {
  /** Tells it from other values. */
  readonly kind: 'tensor'
  /** Sizes of its axes. */
  readonly shape: readonly number[]
  /** Places from one to the next along each axis. */
  readonly strides: readonly number[]
  /** Its first number's place in the storage. */
  readonly offset: number
  /** Tensors may share one. */
  readonly storage: Storage
}

/** How torch stores numbers. */
export type Dtype = 'float16' | 'bfloat16' | 'float32' | 'float64' | IntegerDtype
type IntegerDtype = 'int8' | 'uint8' | 'bool' | 'int16' | 'int32' | 'int64'

export const isGlobal = (value: PickleValue): value is Global => kindOf(value) === 'global'
export const isStorage = (value: PickleValue | undefined): value is Storage => kindOf(value) === 'storage'
/** Whether a value is an array of numbers. */
export const isTensor = (value: PickleValue | undefined): value is Tensor => kindOf(value) === 'tensor'
/** Whether a value is an object that was not read. */
export const isUnread = (value: PickleValue | undefined): value is Unread => kindOf(value) === 'unread'

const kindOf = (value: PickleValue | undefined) =>
  typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined

/** A value in a few words for a message of one line: never all of it, which may be large or contain itself. */
export function describe(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object') return String(value).slice(0, 40)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (value instanceof Map) return `a dictionary of ${value.size}`
  if (value instanceof Set) return `a set of ${value.size}`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value.kind === 'tensor') return `a tensor of ${value.storage.dtype} [${value.shape}]`
  if (value.kind === 'storage') return `a storage of ${value.dtype}`
  return `${value.kind === 'global' ? 'the global' : 'an object of'} ${value.name}`
}

/** Text of a file for a message: of one line, short, and without codes that a terminal acts on. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (code) => `\\u${code.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
