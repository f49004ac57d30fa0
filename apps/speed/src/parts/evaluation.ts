import { compare, type Starting } from '../steps/compare.js'
import type { Contestant, Size } from '../steps/contestant.js'
import { ours } from '../steps/ours.js'
import { jax, type TorchAttention, torch } from '../steps/peers.js'
import { ourReading } from '../steps/reading.js'
import { makeStart, type Start } from '../steps/start.js'
import { forwardTable } from '../steps/tables.js'
import { type Comparison, model, type Part } from './part.js'
import { trainingSizes } from './training.js'

const sizes: readonly Size[] = [
  ...trainingSizes.filter(({ name }) => name !== 'nano').map((size) => ({ ...size, steps: Math.max(2, size.steps) })),
  { name: '16384', batch: 1, length: 16_384, ...model, steps: 1 },
]

export const evaluation: readonly Part[] = sizes.map((size) => ({
  name: `evaluation-${size.name}`,
  what: `evaluation of ${size.batch} × ${size.length} tokens, against PyTorch, JAX and our own training`,
  async run({ rounds, python, log, print }): Promise<Comparison> {
    const start = await makeStart(size)
    try {
      const own = await ourReading(start, { compile: true }, log)
      const groups = [[...otherOurs(start, log), ...peersOf(start, python)]]
      const compared = await compare(own, groups, { steps: size.steps, rounds, log })
      print(forwardTable(`evaluation at ${size.name}`, 'pass', compared))
      return { size, ...compared }
    } finally {
      start.dispose()
    }
  },
}))

/**
 * Ours op by op, which is what long passes are anyway; and a training step, in the same turns, where it is short. That computes other
 * answers: losses of three steps.
 */
function otherOurs(start: Start, log: (line: string) => void): readonly Starting[] {
  const { length } = start.size
  const step = async (): Promise<Contestant> => {
    const { answers: _, ...step } = await ours(start, 'alibi', log)
    return { ...step, name: 'ours, a training step' }
  }
  return [
    ...(length > 4096 ? [] : [() => ourReading(start, { compile: false }, log)]),
    ...(length > 1024 ? [] : [step]),
  ]
}

function peersOf(start: Start, python: string): readonly Starting[] {
  const inTorch = (attention: TorchAttention, compile: boolean) => () =>
    torch(start, 'evaluate', { attention, compile }, python)
  const flex = inTorch('flex', true)
  // Whole matrices of biases and of scores are 8.6 GB each: beyond this machine, and many.
  if (start.size.length > 4096) return [flex]
  return [
    inTorch('sdpa', false),
    inTorch('eager', true),
    inTorch('sdpa', true),
    flex,
    () => jax(start, 'evaluate', 'einsum', python),
    () => jax(start, 'evaluate', 'dot_product_attention', python),
  ]
}
