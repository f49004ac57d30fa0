import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Absent, Contestant } from './contestant.js'
import { type InProcess, inProcess } from './process.js'
import type { Start } from './start.js'

const peer = (name: string) => fileURLToPath(new URL(`../../peers/${name}.py`, import.meta.url))

export type TorchAttention = 'eager' | 'sdpa' | 'flex'
const names = { eager: 'PyTorch, eager bias', sdpa: 'PyTorch, SDPA', flex: 'PyTorch, flex_attention' }

type Work = 'train' | 'evaluate' | 'prefill'

export interface TorchWay {
  readonly attention: TorchAttention
  /** The model with its loss is compiled by torch.compile. */
  readonly compile?: boolean
  /** Default cpu. */
  readonly device?: 'cpu' | 'cuda'
}

const torchName = ({ attention, compile }: TorchWay) => (compile ? `${names[attention]}, compiled` : names[attention])

/** The same model in PyTorch. */
export function torch({ path }: Start, work: Work, way: TorchWay, python: string): Promise<InProcess | Absent> {
  const { attention, compile = false, device = 'cpu' } = way
  const options = { start: path, work, attention, device, threads: availableParallelism() }
  return inProcess({
    name: torchName(way),
    command: python,
    args: [peer('torch_peer'), ...asArguments(options), ...(compile ? ['--compile'] : [])],
    reason: torchIsMissing(python, device),
  })
}

/** Takes no part, as it would need too much. */
export const torchLeftOut = async (way: TorchWay, reason: string): Promise<Absent> => ({ name: torchName(way), reason })

export type JaxAttention = 'einsum' | 'dot_product_attention'

const jaxName = (attention: JaxAttention) => `JAX, ${attention}`

/** The same model in JAX, compiled by XLA. */
export function jax(
  { path }: Start,
  work: Work | 'decode',
  attention: JaxAttention,
  python: string,
): Promise<InProcess | Absent> {
  return inProcess({
    name: jaxName(attention),
    command: python,
    args: [peer('jax_peer'), ...asArguments({ start: path, work, attention })],
    // XLA's pool of threads has as many; else as many as the machine.
    env: { ...process.env, JAX_PLATFORMS: 'cpu', NPROC: `${availableParallelism()}` },
    reason: `JAX does not run with ${python}: pip install jax, or name another with --python`,
  })
}

/** As {@link torchLeftOut}. */
export const jaxLeftOut = async (attention: JaxAttention, reason: string): Promise<Absent> => ({
  name: jaxName(attention),
  reason,
})

type TransformersWay = 'loop' | 'generate' | 'static-generate' | 'static' | 'compiled' | 'prefill'

const transformersNames = {
  loop: 'transformers, plain loop',
  generate: 'transformers, generate',
  'static-generate': 'transformers, generate with a static cache',
  static: 'transformers, plain loop with a static cache',
  compiled: 'transformers, plain loop with a static cache, compiled',
  prefill: 'transformers',
}

/** Greedy decoding or prefill in transformers, of a start with BLOOM's architecture. */
export function transformers(
  { path, folder }: Start,
  way: TransformersWay,
  python: string,
): Promise<Contestant | Absent> {
  return inProcess({
    name: transformersNames[way],
    command: python,
    args: [
      peer('transformers_peer'),
      ...asArguments({ start: path, folder: folder!, way, threads: availableParallelism() }),
    ],
    reason: `${
      way === 'static-generate'
        ? `BLOOM's generate takes no static cache, as in transformers 5.18, or transformers`
        : 'transformers'
    } does not run with ${python}: pip install torch transformers, or name another with --python`,
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
    reason: torchIsMissing(python, 'cuda'),
  })
}

const asArguments = (options: Readonly<Record<string, string | number>>) =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`])

const torchIsMissing = (python: string, device: string) =>
  `PyTorch${device === 'cuda' ? ' with CUDA' : ''} does not run with ${python}: pip install torch numpy, or name another with --python`
