// Peers compute the same model: their losses and tokens from the same weights are ours. Needs a Python with them.
import { spawnSync } from 'node:child_process'
import { selectBackend } from '@alibi/backend'
import { afterAll, describe, expect, it } from 'vitest'
import { peersOf } from '../src/parts/evaluation.js'
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
      ['PyTorch, eager, compiled', () => torch(start, 'evaluate', { attention: 'eager', compile: true }, python)],
      ['PyTorch, SDPA, compiled', () => torch(start, 'evaluate', { attention: 'sdpa', compile: true }, python)],
      ['JAX, einsum', () => jax(start, 'evaluate', 'einsum', python)],
    ],
  },
  prefill: {
    own: () => ourPrefill(bloom),
    peers: [
      ['PyTorch, eager, compiled', () => torch(bloom, 'prefill', { attention: 'eager', compile: true }, python)],
      ['PyTorch, SDPA', () => torch(bloom, 'prefill', { attention: 'sdpa' }, python)],
      ['JAX, dot_product_attention', () => jax(bloom, 'prefill', 'dot_product_attention', python)],
      ['transformers', () => transformers(bloom, 'prefill', python)],
    ],
  },
  decoding: {
    own: () => ourDecoding(bloom, way, quiet),
    peers: [
      ...(['loop', 'generate', 'static', 'compiled'] as const).map(
        (way): Peer => [`transformers, ${way}`, () => transformers(bloom, way, python)],
      ),
      ['JAX, einsum', () => jax(bloom, 'decode', 'einsum', python)],
      ['JAX, dot_product_attention', () => jax(bloom, 'decode', 'dot_product_attention', python)],
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

it('generate with a static cache takes part, or says why not', async ({ skip }) => {
  skip(skipped !== undefined, skipped)
  const peer = await transformers(bloom, 'static-generate', python)
  if ('run' in peer) peer.dispose()
  else expect(peer.reason).toMatch(/^BLOOM's generate takes no static cache[^\n]*\(\w+: [^\n]+\)$/)
})

it.each([
  ['PyTorch', 'torch numpy', () => torch(start, 'train', { attention: 'sdpa' }, 'no-such-python')],
  ['JAX', 'jax', () => jax(start, 'train', 'einsum', 'no-such-python')],
  ['transformers', 'torch transformers', () => transformers(bloom, 'loop', 'no-such-python')],
])('says how to install %s where it is not', async (name, packages, begin) => {
  expect(await begin()).toMatchObject({
    reason: `${name} does not run with no-such-python: pip install ${packages}, or name another with --python`,
  })
})

it('leaves out whose matrices no machine here holds, and says so', async () => {
  const long = { ...start, size: { ...size, heads: 8, length: 16_384 } }
  const peers = await Promise.all(peersOf(long, 'no-such-python').map((begin) => begin()))
  const because = 'a matrix of biases or scores at 16384 is 8.6 GB, and it needs some of them at once'
  expect(peers.map((peer) => ['reason' in peer && peer.reason === because, peer.name])).toEqual([
    [true, 'PyTorch, SDPA'],
    [true, 'PyTorch, eager bias, compiled'],
    [true, 'PyTorch, SDPA, compiled'],
    [false, 'PyTorch, flex_attention, compiled'],
    [true, 'JAX, einsum'],
    [true, 'JAX, dot_product_attention'],
  ])
})
