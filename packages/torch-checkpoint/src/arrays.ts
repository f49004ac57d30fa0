import { basename } from 'node:path'
import { type Dtype, describe, isTensor, type PickleValue, quoted, type Tensor } from './pickle/values.js'
import { openTorch, type TorchFile } from './read.js'

/** Float arrays by name, read one at a time. */
export interface TorchArrays {
  /** Sizes of the axes of each. */
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** What the numbers of each are stored as. */
  readonly dtypes: ReadonlyMap<string, Dtype>
  /** @throws Error, one line, for an array that is not there, or not of floats */
  read(name: string): Promise<Float32Array>
  /** Whether two names are the same view of one storage. */
  isSame(name: string, other: string): boolean
  /** Closes the file. */
  close(): Promise<void>
}

/**
 * The tensors of a dictionary in a checkpoint, a state dict. Numbers of float64 are rounded to float32.
 *
 * @param value - the dictionary; by default the whole of what the file holds
 * @throws Error, one line, for a value that is no dictionary
 */
export function arraysOf(file: TorchFile, value: PickleValue = file.value): TorchArrays {
  if (!(value instanceof Map)) throw new Error(`arraysOf: expected a dictionary of tensors, got ${describe(value)}`)
  const tensors = new Map<string, Tensor>()
  for (const [name, tensor] of value) if (typeof name === 'string' && isTensor(tensor)) tensors.set(name, tensor)
  return {
    shapes: new Map([...tensors].map(([name, { shape }]) => [name, shape])),
    dtypes: new Map([...tensors].map(([name, { storage }]) => [name, storage.dtype])),
    async read(name) {
      const tensor = tensors.get(name)
      if (!tensor) throw new Error(`arraysOf: expected a tensor ${quoted(name)}, got ${describe(value.get(name))}`)
      const data = tensor.storage.dtype.includes('float') ? await file.read(tensor) : undefined
      if (data instanceof Float32Array) return data
      if (data instanceof Float64Array) return Float32Array.from(data)
      throw new Error(`arraysOf: expected ${quoted(name)} of floats, got ${describe(tensor)}`)
    },
    isSame: (name, other) => {
      const [a, b] = [tensors.get(name), tensors.get(other)]
      return a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b)
    },
    close: file.close,
  }
}

/**
 * The arrays of a file that is one state dict, such as `pytorch_model.bin`.
 *
 * @throws Error, one line, for a file of another kind
 */
export async function openTorchArrays(path: string): Promise<TorchArrays> {
  const file = await openTorch(path)
  if (file.value instanceof Map) return arraysOf(file)
  await file.close()
  throw new Error(`openTorchArrays: expected a state dict in ${basename(path)}, got ${describe(file.value)}`)
}
