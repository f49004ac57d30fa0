import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Absent, Contestant, Size } from './contestant.js'
import { inProcess } from './process.js'

const script = fileURLToPath(new URL('../../peers/torch_peer.py', import.meta.url))

/** The same step in PyTorch. */
export function torch(size: Size, attention: 'eager' | 'sdpa', python: string): Promise<Contestant | Absent> {
  const options = { batch: size.batch, length: size.length, layers: size.layers, dim: size.dim, heads: size.heads }
  const flags = Object.entries({ ...options, vocabulary: size.vocabulary, threads: availableParallelism() })
  return inProcess({
    name: attention === 'sdpa' ? 'PyTorch, SDPA' : 'PyTorch, eager bias',
    command: python,
    args: [script, '--attention', attention, ...flags.flatMap(([flag, value]) => [`--${flag}`, `${value}`])],
    reason: `PyTorch does not run with ${python}: pip install torch, or name another with --python`,
  })
}
