import { compare, type Starting } from '../steps/compare.js'
import type { Contestant, Size } from '../steps/contestant.js'
import { ours } from '../steps/ours.js'
import { type JaxAttention, jax, jaxLeftOut, type TorchWay, torch, torchLeftOut } from '../steps/peers.js'
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

/** The fastest ways of each. */
export function peersOf(start: Start, python: string): readonly Starting[] {
  const { length, heads } = start.size
  const gigabytes = (4 * heads * length ** 2) / 1e9
  const reason = `a matrix of biases or scores at ${length} is ${gigabytes.toFixed(1)} GB, and it needs some of them at once`
  const takesMatrices = length > 4096
  const inTorch = (way: TorchWay) => () =>
    takesMatrices && way.attention !== 'flex' ? torchLeftOut(way, reason) : torch(start, 'evaluate', way, python)
  const inJax = (attention: JaxAttention) => () =>
    takesMatrices ? jaxLeftOut(attention, reason) : jax(start, 'evaluate', attention, python)
  return [
    inTorch({ attention: 'sdpa' }),
    inTorch({ attention: 'eager', compile: true }),
    inTorch({ attention: 'sdpa', compile: true }),
    inTorch({ attention: 'flex', compile: true }),
    inJax('einsum'),
    inJax('dot_product_attention'),
  ]
}
