import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Absent, Contestant, Size } from './contestant.js'
import { inProcess } from './process.js'

const peer = (name: string) => fileURLToPath(new URL(`../../peers/${name}.py`, import.meta.url))

export type TorchAttention = 'eager' | 'sdpa' | 'flex'
const names = { eager: 'PyTorch, eager bias', sdpa: 'PyTorch, SDPA', flex: 'PyTorch, flex_attention' }

/** How PyTorch's passes differ from plain training steps. */
interface TorchWay {
  /** An evaluation pass instead of a training step. */
  readonly forward?: boolean
  /** The model is compiled by torch.compile. */
  readonly compile?: boolean
}

/** The same step in PyTorch. */
export function torch(
  size: Size,
  attention: TorchAttention,
  python: string,
  device: 'cpu' | 'cuda' = 'cpu',
  { forward = false, compile = false }: TorchWay = {},
): Promise<Contestant | Absent> {
  const options = { batch: size.batch, length: size.length, layers: size.layers, dim: size.dim, heads: size.heads }
  return inProcess({
    name: compile ? `${names[attention]}, compiled` : names[attention],
    command: python,
    args: [
      peer('torch_peer'),
      ...(forward ? ['--forward'] : []),
      ...(compile ? ['--compile'] : []),
      ...asArguments({ attention, device, ...options, vocabulary: size.vocabulary, threads: availableParallelism() }),
    ],
    reason: unavailable(python, device),
  })
}

/** Greedy decoding in transformers after a prompt of the size's length: its `generate`, or a plain loop. */
export function transformers(size: Size, way: 'loop' | 'generate', python: string): Promise<Contestant | Absent> {
  const { length: prompt, layers, dim, heads, vocabulary } = size
  return inProcess({
    name: `transformers, ${way}`,
    command: python,
    args: [
      peer('transformers_peer'),
      ...asArguments({ way, prompt, layers, dim, heads, vocabulary, threads: availableParallelism() }),
    ],
    reason: `transformers does not run with ${python}: pip install torch transformers, or name another with --python`,
  })
}

/** Attention alone in PyTorch, on a GPU through CUDA. */
export function torchAttention(
  { heads, headDim, length }: { readonly heads: number; readonly headDim: number; readonly length: number },
  attention: TorchAttention,
  backward: boolean,
  python: string,
): Promise<Contestant | Absent> {
  const args = asArguments({ attention, heads, length, 'head-dim': headDim })
  return inProcess({
    name: names[attention],
    command: python,
    args: [peer('torch_attention_peer'), ...args, ...(backward ? ['--backward'] : [])],
    reason: unavailable(python, 'cuda'),
  })
}

const asArguments = (options: Readonly<Record<string, string | number>>) =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`])

const unavailable = (python: string, device: string) =>
  `PyTorch${device === 'cuda' ? ' with CUDA' : ''} does not run with ${python}: pip install torch, or name another with --python`
