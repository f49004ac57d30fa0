// Peers compute the same model: their losses and tokens from the same weights are ours. Needs a Python with them.
import { spawnSync } from 'node:child_process'
import { selectBackend } from '@alibi/backend'
import { afterAll, describe, expect, it } from 'vitest'
import { difference } from '../src/steps/compare.js'
import type { Absent, Contestant, Size } from '../src/steps/contestant.js'
import { ours } from '../src/steps/ours.js'
import { jax, torch, transformers } from '../src/steps/peers.js'
import { ourDecoding, ourPrefill, ourReading } from '../src/steps/reading.js'
import { makeStart } from '../src/steps/start.js'

const python = process.env.ALIBI_PYTHON ?? 'python3'
const missing = ['numpy', 'torch', 'jax', 'transformers'].filter(
  (name) => spawnSync(python, ['-c', `import importlib.util as u; exit(u.find_spec('${name}') is None)`]).status !== 0,
)
const skipped = missing.length ? `${python} has no ${missing.join(', ')}: name another with ALIBI_PYTHON` : undefined

await selectBackend('cpu')
const size: Size = { name: 'tiny', batch: 2, length: 16, layers: 2, dim: 64, heads: 4, vocabulary: 32, steps: 1 }
const start = await makeStart(size)
const bloom = await makeStart({ ...size, batch: 1 }, 'bloom')
afterAll(() => {
  start.dispose()
  bloom.dispose()
})
const quiet = () => {}
const way = { compile: false }

type Peer = readonly [name: string, start: () => Promise<Contestant | Absent>]
const works: Record<string, { own: () => Promise<Contestant>; peers: readonly Peer[] }> = {
  'training steps': {
    own: () => ours(start, 'alibi', quiet),
    peers: [
      ['PyTorch, eager', () => torch(start, 'train', { attention: 'eager' }, python)],
      ['PyTorch, SDPA, compiled', () => torch(start, 'train', { attention: 'sdpa', compile: true }, python)],
      ['JAX, einsum', () => jax(start, 'train', 'einsum', python)],
      ['JAX, dot_product_attention', () => jax(start, 'train', 'dot_product_attention', python)],
    ],
  },
  evaluation: {
    own: () => ourReading(start, way, quiet),
    peers: [
      [
        'PyTorch, flex_attention, compiled',
        () => torch(start, 'evaluate', { attention: 'flex', compile: true }, python),
      ],
      ['JAX, einsum', () => jax(start, 'evaluate', 'einsum', python)],
    ],
  },
  prefill: {
    own: () => ourPrefill(bloom),
    peers: [
      ['PyTorch, SDPA', () => torch(bloom, 'prefill', { attention: 'sdpa' }, python)],
      ['JAX, dot_product_attention', () => jax(bloom, 'prefill', 'dot_product_attention', python)],
      ['transformers', () => transformers(bloom, 'prefill', python)],
    ],
  },
  decoding: {
    own: () => ourDecoding(bloom, way),
    peers: [
      ...(['loop', 'generate', 'static', 'compiled'] as const).map(
        (way): Peer => [`transformers, ${way}`, () => transformers(bloom, way, python)],
      ),
      ['JAX, einsum', () => jax(bloom, 'decode', 'einsum', python)],
    ],
  },
}

describe.each(Object.entries(works))('%s', (_work, { own, peers }) => {
  it.for(peers)('%s', async ([, begin], { skip }) => {
    skip(skipped !== undefined, skipped)
    const first = await own()
    const peer = await begin()
    try {
      if ('reason' in peer) expect.fail(peer.reason)
      expect(difference(first, peer)).toBeUndefined()
      // A difference of two times, where a prompt's is taken off, may be anything.
      expect(Number.isFinite(await peer.run(2))).toBe(true)
    } finally {
      first.dispose()
      if ('run' in peer) peer.dispose()
    }
  })
})
