import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Absent, Contestant, Size } from './contestant.js'

const script = fileURLToPath(new URL('../../peers/torch_peer.py', import.meta.url))

/** The same step in PyTorch, in a process of its own that waits between runs. */
export async function torch(size: Size, attention: 'eager' | 'sdpa', python: string): Promise<Contestant | Absent> {
  const name = attention === 'sdpa' ? 'PyTorch, SDPA' : 'PyTorch, eager bias'
  const options = { batch: size.batch, length: size.length, layers: size.layers, dim: size.dim, heads: size.heads }
  const flags = Object.entries({ ...options, vocabulary: size.vocabulary, threads: availableParallelism() })
  const args = [script, '--attention', attention, ...flags.flatMap(([flag, value]) => [`--${flag}`, `${value}`])]
  const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'close').catch(() => {})
  const next = async () =>
    (await Promise.race([lines.next(), ended.then(() => ({ done: true, value: '' }))])) as IteratorResult<string>
  if ((await next()).done)
    return { name, reason: `PyTorch does not run with ${python}: pip install torch, or name another with --python` }
  return {
    name,
    async run(steps) {
      child.stdin.write(`${steps}\n`)
      const { value, done } = await next()
      if (done) throw new Error(`speed: ${name} ended in the middle of a run`)
      return Number(value)
    },
    dispose: () => void child.kill(),
  }
}
