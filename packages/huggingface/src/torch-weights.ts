import { openTorchArrays } from '@alibi/torch-checkpoint'
import type { SafetensorsFile } from '@alibi/transformer/node'

/** The names that safetensors has for torch's number types. Others keep torch's name and are refused. */
const DTYPES: Readonly<Record<string, string>> = { float64: 'F64', float32: 'F32', float16: 'F16', bfloat16: 'BF16' }

/**
 * The arrays of a `pytorch_model.bin`, a state dict that torch.save wrote: read without running what is in it.
 *
 * @throws Error, one line, for a file of another kind
 */
export async function openTorchWeights(path: string): Promise<SafetensorsFile> {
  const { shapes, dtypes, read, close } = await openTorchArrays(path)
  async function* pieces(name: string) {
    yield await read(name)
  }
  const named = [...dtypes].map(([name, dtype]) => [name, DTYPES[dtype] ?? dtype] as const)
  return { shapes, dtypes: new Map(named), read, pieces, close }
}
