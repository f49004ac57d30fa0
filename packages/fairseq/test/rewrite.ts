import {
  isTensor,
  openTorch,
  type PickleValue,
  saveTorch,
  type TorchFile,
  type TorchValue,
  tensor,
} from '@alibi/torch-checkpoint'

export type Dictionary = Map<PickleValue, PickleValue>

/** Writes a checkpoint with something changed in what it holds. */
export async function rewrite(from: string, to: string, change: (checkpoint: Dictionary) => void): Promise<void> {
  const file = await openTorch(from)
  change(file.value as Dictionary)
  await saveTorch(to, writable(file, file.value))
  await file.close()
}

function writable(file: TorchFile, value: PickleValue): TorchValue {
  if (isTensor(value))
    return tensor(value.shape, async () => {
      const data = await file.read(value)
      return data instanceof Float32Array ? data : Float32Array.from(data, Number)
    })
  if (value instanceof Map)
    return new Map([...value].map(([key, each]) => [String(key), writable(file, each)] as const))
  if (Array.isArray(value)) return value.map((each) => writable(file, each))
  if (value === null || typeof value !== 'object') return value as TorchValue
  throw new Error(`rewrite: cannot write ${value}`)
}
