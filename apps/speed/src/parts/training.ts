import { compare, type Starting } from '../steps/compare.js'
import type { Size } from '../steps/contestant.js'
import { idiomatic } from '../steps/idiomatic.js'
import { ours } from '../steps/ours.js'
import { type JaxAttention, jax, type TorchAttention, torch } from '../steps/peers.js'
import { plainNode } from '../steps/plain-node.js'
import { makeStart, type Start } from '../steps/start.js'
import { stepTable } from '../steps/tables.js'
import { type Comparison, model, type Part } from './part.js'

export const trainingSizes: readonly Size[] = [
  { name: 'nano', batch: 12, length: 64, layers: 4, dim: 128, heads: 4, vocabulary: 65, steps: 20 },
  { name: '256', batch: 8, length: 256, ...model, steps: 4 },
  { name: '1024', batch: 2, length: 1024, ...model, steps: 3 },
  { name: '4096', batch: 1, length: 4096, ...model, steps: 1 },
]

export const training: readonly Part[] = trainingSizes.map((size) => ({
  name: `train-${size.name}`,
  what: `training steps of ${size.batch} × ${size.length} tokens, against PyTorch, JAX and plain TensorFlow.js`,
  async run({ rounds, python, ceiling, log, print }): Promise<Comparison> {
    const start = await makeStart(size)
    try {
      const own = await ours(start, 'alibi', log)
      const compared = await compare(own, groupsOf(start, python), { steps: size.steps, rounds, log })
      print(stepTable(size, compared, ceiling))
      return { size, ...compared }
    } finally {
      start.dispose()
    }
  },
}))

/** Who is in memory at a time: at 4096 each of them keeps up to 12 GB, so one after the other. */
function groupsOf(start: Start, python: string): readonly (readonly Starting[])[] {
  const { size } = start
  const inTorch = (attention: TorchAttention, compile: boolean) => () =>
    torch(start, 'train', { attention, compile }, python)
  const inJax = (attention: JaxAttention) => () => jax(start, 'train', attention, python)
  const peers: readonly Starting[] = [
    inTorch('eager', false),
    inTorch('sdpa', false),
    inTorch('eager', true),
    inTorch('sdpa', true),
    inJax('einsum'),
    inJax('dot_product_attention'),
  ]
  if (size.length > 1024) return peers.map((peer) => [peer])
  // A tape keeps whole matrices of scores: several GB at 4096.
  return [[async () => idiomatic(size), () => plainNode(size), ...peers]]
}
