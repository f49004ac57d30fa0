// How torch pickles tensors: torch/_utils.py and torch/serialization.py.
import { dtypeOf } from './dtypes.js'
import { describe, isGlobal, isStorage, isTensor, isUnread, type PickleValue, type Tensor } from './pickle/values.js'

/** The globals that state dicts need; no other is known. */
export const knownGlobals: ReadonlyMap<string, (args: readonly PickleValue[]) => PickleValue> = new Map([
  ['collections.OrderedDict', ([items]) => orderedDict(items)],
  ['torch._utils._rebuild_tensor_v2', ([storage, offset, shape, strides]) => rebuild(storage, offset, shape, strides)],
  ['torch._utils._rebuild_parameter', ([data]) => parameter(data)],
])

/** The storage that `('storage', type, key, location, count)` means; an unread object for a type that is not known. */
export function storageOf(id: PickleValue): PickleValue {
  const [what, type, key, , count] = Array.isArray(id) ? id : []
  if (what !== 'storage' || typeof key !== 'string' || !isCount(count) || !type || !isGlobal(type))
    throw new Error(`the id of a storage, got ${describe(id)}`)
  const dtype = dtypeOf.get(type.name)
  return dtype ? { kind: 'storage', dtype, key, count } : { kind: 'unread', name: type.name, state: undefined }
}

function orderedDict(items: PickleValue | undefined): Map<PickleValue, PickleValue> {
  const pairs = items === undefined ? [] : items
  if (!Array.isArray(pairs) || !pairs.every((pair): pair is PickleValue[] => Array.isArray(pair) && pair.length === 2))
    throw new Error(`keys and values for an OrderedDict, got ${describe(items)}`)
  return new Map(pairs.map(([key, value]) => [key!, value!]))
}

function parameter(data: PickleValue | undefined): PickleValue {
  if (!isTensor(data) && !isUnread(data)) throw new Error(`a tensor for a parameter, got ${describe(data)}`)
  return data
}

function rebuild(
  storage: PickleValue | undefined,
  offset: PickleValue | undefined,
  shape: PickleValue | undefined,
  strides: PickleValue | undefined,
): PickleValue {
  if (isUnread(storage)) return storage
  if (!isStorage(storage)) throw new Error(`a storage for a tensor, got ${describe(storage)}`)
  if (!isCount(offset) || !areCounts(shape) || !areCounts(strides) || shape.length !== strides.length)
    throw new Error('an offset, sizes and as many strides for a tensor, got others')
  const tensor: Tensor = { kind: 'tensor', shape, strides, offset, storage }
  const { from, to } = spanOf(tensor)
  if (!(to <= storage.count))
    throw new Error(
      `a tensor within its storage of ${storage.count}, got one of ${from} up to ${to}; the file is damaged`,
    )
  return tensor
}

/** Numbers of a tensor. */
export const sizeOf = ({ shape }: Tensor): number => shape.reduce((size, axis) => size * axis, 1)

/** The part of its storage that a tensor lies in: from, and past the last. */
export function spanOf(tensor: Tensor): { readonly from: number; readonly to: number } {
  const { shape, strides, offset } = tensor
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, offset)
  return { from: offset, to: sizeOf(tensor) ? last + 1 : offset }
}

/** Whether a tensor's numbers follow one another, row after row. */
export function isContiguous({ shape, strides }: Tensor): boolean {
  let expected = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false
    expected *= shape[axis]!
  }
  return true
}

/** torch's own limit. */
const MOST_AXES = 64

const isCount = (value: PickleValue | undefined): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0
const areCounts = (value: PickleValue | undefined): value is number[] =>
  Array.isArray(value) && value.length <= MOST_AXES && value.every(isCount)
